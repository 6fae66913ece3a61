import signal

# A cluster's warning before the time limit is for the trainer, which sets its own handler; here it would end the job.
signal.signal(signal.SIGUSR1, signal.SIG_IGN)

import sys

from snakemake.utils import min_version

min_version("9.20")

sys.path.insert(0, workflow.basedir)
from workflow.pipeline import Pipeline

# Commands, inputs and outputs come from dvc.yaml. Here stands what DVC cannot say: resources, logs, captions.
PIPE = Pipeline(workflow.basedir, config.get("scale", "smoke"))
if workflow.is_main_process:
    PIPE.refuse_unadopted()


wildcard_constraints:
    key="[A-Za-z0-9_]+",
    run="[A-Za-z0-9_]+",
    measure="[a-z_]+",
    name="[a-z0-9_]+/(table|figure)[0-9]+",


localrules:
    all,
    render_table,
    render_claims,
    render_figure,
    render_routing_figure,
    render_overview,
    render_index,
    render_html,


rule all:
    default_target: True
    input:
        PIPE.all_outputs("render_html"),
        PIPE.all_outputs("render_index"),
        PIPE.all_outputs("render_claims"),
        PIPE.all_outputs("render_table"),
        PIPE.all_outputs("render_figure"),
        PIPE.all_outputs("render_routing_figure"),


include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
