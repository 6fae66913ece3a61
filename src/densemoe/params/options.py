"""Typed options of every component. An option lives inside the kind that reads it; nothing has a default here.

A knob added later gets the default "as before": it is then left out of a run's name at that default, so that runs
trained before keep their names.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

Task = Literal["semseg", "human_parts", "saliency", "depth", "normals", "boundary"]
Size = tuple[PositiveInt, PositiveInt]
NonNegative = Annotated[float, Field(ge=0)]


class Options(BaseModel):
    """Base of all options: frozen, closed, strictly typed (a string is not a number, 'True,' is not a boolean)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)


# ---------------------------------------------------------------------------------------------------------- encoders
class VitEncoder(Options):
    """Plain vision transformer whose token maps after four blocks are the multi-scale features."""

    kind: Literal["vit"]
    width: PositiveInt
    depth: PositiveInt
    heads: PositiveInt
    patch: PositiveInt
    taps: tuple[PositiveInt, ...] = Field(min_length=1)
    """1-based numbers of the blocks whose output is a scale; the last one is followed by the final LayerNorm."""
    drop_path: Annotated[float, Field(ge=0, lt=1)]
    """Stochastic depth of the last block; grows linearly from 0."""
    weights: str | None
    """timm name of the pretrained weights, or null for random initialisation."""

    @model_validator(mode="after")
    def _fits(self) -> VitEncoder:
        if self.width % self.heads:
            raise ValueError(f"encoder.width {self.width} is not divisible by encoder.heads {self.heads}")
        if list(self.taps) != sorted(set(self.taps)) or self.taps[-1] > self.depth:
            raise ValueError(f"encoder.taps {list(self.taps)} must increase and end at most at depth {self.depth}")
        return self


class HrnetEncoder(Options):
    """HRNet: four branches at 1/4, 1/8, 1/16, 1/32."""

    kind: Literal["hrnet"]
    name: Literal["hrnet_w18_small_v2", "hrnet_w48"]
    """timm model; "HRNet18" of all these papers is hrnet_w18_small_v2."""
    channels: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt]
    """Widths of the branches, finest first."""
    upsampling: Literal["bilinear", "nearest"]
    """How a branch is enlarged before it is added to a finer one; timm's is nearest."""
    weights: str | None
    """timm name of the pretrained weights, or null for random initialisation."""

    @model_validator(mode="after")
    def _fits(self) -> HrnetEncoder:
        if self.weights is not None and self.weights.split(".")[0] != self.name:
            raise ValueError(
                f"encoder.weights '{self.weights}' is not of encoder.name '{self.name}'; allowed are null and "
                f"'{self.name}.TAG' with a tag of timm's"
            )
        return self


Encoder = Annotated[VitEncoder | HrnetEncoder, Field(discriminator="kind")]


# ------------------------------------------------------------------------------------------------ parts of the decoder
class LowRankExperts(Options):
    """Task-sharing experts, each a kxk convolution to `rank` channels and a 1x1 back, without activation."""

    kind: Literal["low_rank"]
    ranks: tuple[PositiveInt, ...]
    """One rank per expert; an empty list means no task-sharing path (N = 0)."""
    kernel_size: PositiveInt

    @property
    def count(self) -> int:
        """Number of experts N."""
        return len(self.ranks)


class StandardExperts(Options):
    """Task-sharing experts of the standard mixture: kxk convolution, ReLU, 1x1 convolution, all at full width."""

    kind: Literal["standard"]
    count: PositiveInt
    kernel_size: PositiveInt


Experts = Annotated[LowRankExperts | StandardExperts, Field(discriminator="kind")]


class NoisyTopKRouter(Options):
    """Task-specific router: gates over the experts, noise in training, the k largest kept."""

    kind: Literal["noisy_top_k"]
    branches: Literal["basic", "position", "both"]
    input: Literal["features", "learned"]
    """`learned`: a learnable parameter instead of the sample's features (Table 4, "w/o sample-dep")."""
    k: Annotated[int, Field(ge=0)]
    gate_order: Literal["softmax_then_top_k", "top_k_then_softmax"]
    branch_form: Literal["norm_gelu", "linear"] = "norm_gelu"
    """Between the two layers of a branch: LayerNorm and GELU (released code), or nothing (paper, 3.3)."""
    noise_scale: Literal["raw", "softplus"] = "raw"
    """Standard deviation of the noise: the raw output (released code), or its softplus (Shazeer et al. 2017, Eq. 4)."""


class NoGeneric(Options):
    """No generic path."""

    kind: Literal["none"]


class LowRankGeneric(Options):
    """Generic path in low-rank form (Table 9)."""

    kind: Literal["low_rank"]
    rank: PositiveInt


class VanillaGeneric(Options):
    """Generic path as one kxk convolution shared by all tasks, on features without gradient; k is the experts'."""

    kind: Literal["vanilla"]


Generic = Annotated[NoGeneric | LowRankGeneric | VanillaGeneric, Field(discriminator="kind")]


class NoSpecific(Options):
    """No task-specific expert."""

    kind: Literal["none"]


class LowRankSpecific(Options):
    """One low-rank expert per task."""

    kind: Literal["low_rank"]
    rank: PositiveInt
    mix: Literal["router", "one"]
    """`router`: scaled by an output of the router (released code); `one`: added with weight 1 (paper, Eq. 2)."""


Specific = Annotated[NoSpecific | LowRankSpecific, Field(discriminator="kind")]


class NoBalance(Options):
    """No load-balancing loss."""

    kind: Literal["none"]


class ImportanceBalance(Options):
    """Squared coefficient of variation of the experts' mean gates, summed over modules, times `weight`."""

    kind: Literal["cv_squared_importance"]
    weight: PositiveFloat


Balance = Annotated[NoBalance | ImportanceBalance, Field(discriminator="kind")]


class LinearTaskGeneric(Options):
    """Task-generic experts of one 1x1 convolution each."""

    kind: Literal["linear"]
    count: PositiveInt


class MlpTaskGeneric(Options):
    """Task-generic experts of a kxk convolution, GELU and a 1x1 convolution; an MLP on every token if k is 1."""

    kind: Literal["mlp"]
    count: PositiveInt
    hidden: PositiveInt
    kernel_size: PositiveInt


TaskGenericExperts = Annotated[LinearTaskGeneric | MlpTaskGeneric, Field(discriminator="kind")]


class ContextAwareGate(Options):
    """Gates per token from a 1x1 convolution, two kxk convolutions with BatchNorm and GELU, and a 1x1 convolution."""

    kind: Literal["context_aware"]
    kernel_size: PositiveInt
    hidden: PositiveInt


class MlpGate(Options):
    """Gates per token from two linear layers, GELU between them (TaskExpert supplement 2.2)."""

    kind: Literal["mlp"]
    hidden: PositiveInt


TokenGate = Annotated[ContextAwareGate | MlpGate, Field(discriminator="kind")]


class NoMemory(Options):
    """No memory: the decoded features of all scales are added."""

    kind: Literal["none"]


class ReadWriteMemory(Options):
    """Memory read through a kxk convolution, BatchNorm and GELU; a 1x1 convolution of the decoded feature is added."""

    kind: Literal["read_write"]
    kernel_size: PositiveInt


class FeatureSkipMemory(Options):
    """Memory read as it is; the decoded feature and a 1x1 convolution of the backbone's feature are added."""

    kind: Literal["feature_skip"]


TaskMemory = Annotated[NoMemory | ReadWriteMemory | FeatureSkipMemory, Field(discriminator="kind")]


# ---------------------------------------------------------------------------------------------------------- decoders
class BaselineDecoder(Options):
    """Linear projections of the encoder's scales, fusion and one head per task; no mixture of experts."""

    kind: Literal["baseline"]
    channels: PositiveInt
    projection: Literal["shared_softmax_fusion", "per_task_sum"]
    """`shared_softmax_fusion`: the full model without its modules; `per_task_sum`: the sentence of section 4.2."""


class MloreDecoder(Options):
    """MLoRE decoder: modules of task-sharing, generic and task-specific paths at every scale."""

    kind: Literal["mlore"]
    channels: PositiveInt
    modules_per_scale: PositiveInt
    experts: Experts
    router: NoisyTopKRouter
    generic: Generic
    specific: Specific
    balance: Balance
    projection: Literal["shared", "per_task"] = "shared"
    """Map to task features: D -> C shared, then C -> C per task (released code); D -> C per task (paper, A.1)."""
    nonlinear_block: Literal["after_each", "between"] = "after_each"
    """BatchNorm-GELU-1x1 after every module (released code); GELU-BatchNorm-1x1 between modules (paper, A.1)."""
    fusion: Literal["softmax_weighted", "concatenated"] = "softmax_weighted"
    """Sum of the scales by predicted weights (released code); 1x1 convolution of their concatenation (paper, 3.1)."""

    @model_validator(mode="after")
    def _fits(self) -> MloreDecoder:
        n, k = self.experts.count, self.router.k
        if self.channels % 4:
            raise ValueError(
                f"decoder.channels {self.channels} is not divisible by 4, which the router needs; "
                "allowed are multiples of 4"
            )
        if self.experts.kernel_size % 2 == 0:
            raise ValueError(f"decoder.experts.kernel_size {self.experts.kernel_size} is even; allowed are odd sizes")
        if k > n:
            listed = " (decoder.experts.ranks lists one rank per expert)" if self.experts.kind == "low_rank" else ""
            raise ValueError(f"decoder.router.k is {k} but there are only {n} experts{listed}; allowed are 1 to {n}")
        if n > 0 and k == 0:
            raise ValueError(f"decoder.router.k is 0 with {n} experts; allowed are 1 to {n}")
        if n == 0 and self.balance.kind != "none":
            raise ValueError("decoder.balance cannot be set without experts; use {kind: none}")
        if n == 0 and self.specific.kind == "none":
            # the generic path passes no gradient on, so nothing in front of it would learn
            raise ValueError("decoder has neither experts nor a specific path; use {kind: baseline}")
        return self


class PadNetDecoder(Options):
    """PAD-Net: initial predictions, spatial-attention distillation between all tasks."""

    kind: Literal["pad_net"]
    channels: PositiveInt


class MtiNetDecoder(Options):
    """MTI-Net: distillation at four scales with feature propagation."""

    kind: Literal["mti_net"]
    widths: tuple[PositiveInt, PositiveInt, PositiveInt, PositiveInt] | None
    """Widths of the four scales for a ViT; null takes the branches of an HRNet."""


class AtrcDecoder(Options):
    """ATRC: one relational context per pair of tasks, genotype fixed."""

    kind: Literal["atrc"]
    genotype: Literal["pascal_hrnet18", "nyud_hrnet18", "nyud_hrnet48"]
    channels: PositiveInt | None
    """Channels per ViT scale before concatenation; null takes the branches of an HRNet."""


class InvPtDecoder(Options):
    """InvPT: inverted pyramid transformer over all tasks' tokens."""

    kind: Literal["inv_pt"]
    channels: PositiveInt


class TaskPrompterDecoder(Options):
    """TaskPrompter: task prompts that run through the encoder beside the patches."""

    kind: Literal["task_prompter"]
    channels: PositiveInt


class TaskExpertDecoder(Options):
    """TaskExpert: memorial mixture of experts at every scale; its texts leave the structure open."""

    kind: Literal["task_expert"]
    channels: PositiveInt
    """Width of task-generic features, decoded features and memory."""
    experts: TaskGenericExperts
    gate: TokenGate
    memory: TaskMemory
    head_channels: PositiveInt
    head_adapter: Literal["none", "shared", "per_task"]
    """1x1 convolution from `channels` to `head_channels`, one for all tasks or one for each."""

    @model_validator(mode="after")
    def _fits(self) -> TaskExpertDecoder:
        if self.head_adapter == "none" and self.head_channels != self.channels:
            raise ValueError(
                f"decoder.head_channels {self.head_channels} differs from decoder.channels {self.channels}, which "
                "needs a decoder.head_adapter; allowed are 'shared' and 'per_task'"
            )
        for name, part in (("experts", self.experts), ("gate", self.gate), ("memory", self.memory)):
            size = getattr(part, "kernel_size", 1)
            if size % 2 == 0:
                raise ValueError(f"decoder.{name}.kernel_size {size} is even; allowed are odd sizes")
        return self


class M3VitDecoder(Options):
    """M3ViT: mixture-of-experts MLPs in every second block, one pass per task."""

    kind: Literal["m3vit"]
    experts: PositiveInt
    k: PositiveInt


class ModSquadDecoder(Options):
    """Mod-Squad: mixture-of-experts attention and MLP, mutual-information loss."""

    kind: Literal["mod_squad"]
    attention_experts: PositiveInt
    attention_k: PositiveInt
    mlp_experts: PositiveInt
    mlp_k: PositiveInt


Decoder = Annotated[
    BaselineDecoder
    | MloreDecoder
    | PadNetDecoder
    | MtiNetDecoder
    | AtrcDecoder
    | InvPtDecoder
    | TaskPrompterDecoder
    | TaskExpertDecoder
    | M3VitDecoder
    | ModSquadDecoder,
    Field(discriminator="kind"),
]


def routes(decoder: Decoder) -> bool:
    """Whether a router chooses among experts, so that a run has routing statistics; TaskExpert weighs all of them."""
    return isinstance(decoder, MloreDecoder) and decoder.experts.count > 0


# -------------------------------------------------------------------------------------------------------- data, recipe
class ArchiveData(Options):
    """The real data set, from its archive."""

    kind: Literal["archive"]
    crop: Size
    """Height and width of the training crop and of the padded validation frame."""


class ScenesData(Options):
    """Embedded synthetic scenes in the real data set's layout."""

    kind: Literal["scenes"]
    version: PositiveInt
    """Version of the renderer: other pixels, other version."""
    size: Size
    """Height and width of a landscape image."""
    train_images: PositiveInt
    val_images: PositiveInt
    crop: Size


Data = Annotated[ArchiveData | ScenesData, Field(discriminator="kind")]


class Adam(Options):
    """Adam with L2 weight decay inside the gradient, default betas, one parameter group."""

    kind: Literal["adam"]
    lr: PositiveFloat
    weight_decay: NonNegative


class Sgd(Options):
    """Stochastic gradient descent with momentum."""

    kind: Literal["sgd"]
    lr: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegative


class Poly(Options):
    """lr * (1 - i / iterations) ** power, per iteration."""

    kind: Literal["poly"]
    power: PositiveFloat


class Recipe(Options):
    """How a variant is trained."""

    version: PositiveInt
    """Version of the training code's results: raised when the same options give other weights."""
    iterations: PositiveInt
    batch_size: PositiveInt
    """Global batch, whatever the number of GPUs."""
    optimizer: Annotated[Adam | Sgd, Field(discriminator="kind")]
    schedule: Annotated[Poly, Field()]
    clip_norm: PositiveFloat | None
    """Global gradient norm above which gradients are scaled down; null for no clipping."""
    loss_weights: dict[Task, PositiveFloat]
    boundary_positive_weight: Annotated[float, Field(gt=0, lt=1)]
