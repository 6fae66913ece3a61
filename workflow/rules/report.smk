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


# One process draws all figures of a table: starting is most of its time.
rule render_figure:
    input:
        PIPE.rule_inputs("render_figure"),
    output:
        report(
            PIPE.outputs("render_figure"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"table": "{name}"},
        ),
    log:
        f"runs/logs/render_figure/{PIPE.scale}/{{name}}.log",
    wildcard_constraints:
        name=PIPE.one_of("render_figure"),
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("render_figure"),
    shell:
        "{params.cmd} > {log} 2>&1"


use rule render_figure as render_routing_figure with:
    input:
        PIPE.rule_inputs("render_routing_figure"),
    output:
        report(
            PIPE.outputs("render_routing_figure"),
            caption="../report/figure.rst",
            category="Figures",
            labels={"table": "{name}"},
        ),
    wildcard_constraints:
        name=PIPE.one_of("render_routing_figure"),
    params:
        cmd=PIPE.rule_cmd("render_routing_figure"),


rule render_overview:
    input:
        PIPE.rule_inputs("render_overview"),
    output:
        report(
            PIPE.outputs("render_overview"),
            caption="../report/figure.rst",
            category="Figures",
        ),
    log:
        f"runs/logs/render_overview/{PIPE.scale}.log",
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("render_overview"),
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


rule render_html:
    input:
        PIPE.rule_inputs("render_html"),
    output:
        PIPE.outputs("render_html"),
    log:
        f"runs/logs/render_html/{PIPE.scale}.log",
    conda:
        "../envs/densemoe.yaml"
    params:
        cmd=PIPE.rule_cmd("render_html"),
    shell:
        "{params.cmd} > {log} 2>&1"
