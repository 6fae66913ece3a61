rule evaluate:
    input:
        PIPE.rule_inputs("evaluate"),
    output:
        PIPE.outputs("evaluate"),
    log:
        "runs/logs/evaluate/{run}__{measure}.log",
    conda:
        "../envs/densemoe.yaml"
    resources:
        gpu=1,
        workers=0,
    params:
        cmd=PIPE.rule_cmd("evaluate"),
    shell:
        "python -m workflow.device {params.cmd} --workers {resources.workers} > {log} 2>&1"
