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


# Counts, on shapes alone: no GPU, no data.
rule measure_cost:
    input:
        PIPE.rule_inputs("measure_cost"),
    output:
        directory(PIPE.outputs("measure_cost")),
    log:
        f"runs/logs/measure_cost/{PIPE.scale}.log",
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("measure_cost"),
    shell:
        "python -m workflow.device --none {params.cmd} > {log} 2>&1"


# The boundary score needs no GPU and no torch.
rule score_run:
    input:
        PIPE.rule_inputs("score_run"),
    output:
        PIPE.outputs("score_run"),
    log:
        "runs/logs/score_run/{run}__{measure}.log",
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("score_run"),
    shell:
        "{params.cmd} --workers {threads} > {log} 2>&1"


rule measure_routing:
    input:
        PIPE.rule_inputs("measure_routing"),
    output:
        PIPE.outputs("measure_routing"),
    log:
        "runs/logs/measure_routing/{run}.log",
    conda:
        "../envs/densemoe.yaml"
    resources:
        gpu=1,
        workers=0,
    params:
        cmd=PIPE.rule_cmd("measure_routing"),
    shell:
        "python -m workflow.device {params.cmd} --workers {resources.workers} > {log} 2>&1"
