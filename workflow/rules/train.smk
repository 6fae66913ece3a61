# The resume checkpoints in runs/{key}/resume are declared to no engine: Snakemake removes the outputs of a failed job.
# `workers` is the machine's business and changes no result: a profile may set it, and it reruns nothing.
# No `retries` here: within a cluster job they would run in the same allocation. The profile has them.
rule train:
    input:
        PIPE.rule_inputs("train"),
    output:
        PIPE.outputs("train"),
    log:
        "runs/logs/train/{key}.log",
    conda:
        "../envs/densemoe.yaml"
    resources:
        gpu=1,
        workers=0,
    params:
        cmd=PIPE.rule_cmd("train"),
    shell:
        "python -m workflow.device {params.cmd} --workers {resources.workers} > {log} 2>&1"
