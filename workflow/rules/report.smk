rule render_table:
    input:
        PIPE.rule_inputs("render_table"),
    output:
        report(
            PIPE.outputs("render_table"),
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{name}"},
        ),
    log:
        f"runs/logs/render_table/{PIPE.scale}/{{name}}.log",
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("render_table"),
    shell:
        "{params.cmd} > {log} 2>&1"


rule render_claims:
    input:
        PIPE.rule_inputs("render_claims"),
    output:
        report(
            PIPE.outputs("render_claims"),
            caption="../report/claims.rst",
            category="Claims",
        ),
    log:
        f"runs/logs/render_claims/{PIPE.scale}.log",
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("render_claims"),
    shell:
        "{params.cmd} > {log} 2>&1"


rule render_index:
    input:
        PIPE.rule_inputs("render_index"),
    output:
        report(
            PIPE.outputs("render_index"),
            caption="../report/index.rst",
            category="Index",
        ),
    log:
        f"runs/logs/render_index/{PIPE.scale}.log",
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("render_index"),
    shell:
        "{params.cmd} > {log} 2>&1"
