rule get_data:
    input:
        PIPE.rule_inputs("get_data"),
    output:
        directory(PIPE.outputs("get_data")),
    log:
        "runs/logs/get_data/{key}.log",
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("get_data"),
    shell:
        "{params.cmd} > {log} 2>&1"


# `codec` is the machine's business and changes no sample: a profile may set it to `compact` where disks are small.
rule prepare:
    input:
        PIPE.rule_inputs("prepare"),
    output:
        directory(PIPE.outputs("prepare")),
    log:
        "runs/logs/prepare/{key}.log",
    conda:
        "../envs/densemoe.yaml"
    resources:
        codec="raw",
    params:
        cmd=PIPE.rule_cmd("prepare"),
    shell:
        "{params.cmd} --workers {threads} --codec {resources.codec} > {log} 2>&1"
