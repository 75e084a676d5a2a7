"""Sums whose right answer is known exactly, tried on a device: what is not equal is wrong, and needs no tolerance.

Entries are −1, 0 and 1, so every partial sum is a small whole number that fp16, bf16, TF32 and fp32 hold exactly,
in whatever order a kernel adds. docs/gpu.md gives the reasons in full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Dict

# What a probe found: its numbers, and what was wrong with them if anything was.
Answer = Dict[str, Any]
# Data exact in every type: at most 256 products of −1, 0 and 1.
DEPTH = 256
CHANNELS = 16
# Winograd rounds its transforms; a whole number is still the nearest one (at worst 0.174 was seen).
NEAREST = 0.5
# A softmax that scales by a rounded logarithm and a rounded sum is off by some last bits; a wrong weight is off by 1.
SELECTED = 2.0**-6
MIB = 1024 * 1024


def compare(torch: Any, got: Any, expected: Any, *, bar: float = 0.0) -> Answer:
    """The largest difference; wrong above the bar, when something is not finite, or when all is zero.

    A bar of zero asks for equality; any other must not be reached.
    """
    found = got.detach().to("cpu", torch.float64)
    wanted = expected.detach().to("cpu", torch.float64)
    if found.shape != wanted.shape:
        return {"wrong": f"the shape is {tuple(found.shape)}, not {tuple(wanted.shape)}"}
    difference = float((found - wanted).abs().max())
    largest = float(found.abs().max())
    answer: Answer = {"difference": difference, "largest": largest}
    is_near = difference == 0 if bar == 0 else difference < bar
    if not is_near:  # also when it is not a number
        asked = "exactly equal" if bar == 0 else f"nearer than {bar}"
        answer["wrong"] = f"the largest difference is {difference}, the results had to be {asked}"
    elif not largest > 0:
        answer["wrong"] = "all results are zero"
    return answer


def merge(answers: Iterator[Answer]) -> Answer:
    """One answer for several trials: the worst numbers, and the first thing that was wrong."""
    merged: Answer = {}
    for answer in answers:
        for name, value in answer.items():
            if name == "wrong":
                merged.setdefault(name, value)
            else:
                merged[name] = max(value, merged.get(name, value))
    return merged


def make_integers(torch: Any, seed: int, *shape: int) -> Any:
    """Entries −1, 0 and 1 on the CPU, the same for the same seed."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-1, 2, shape, generator=generator, dtype=torch.int64)


def try_alloc(torch: Any, device: str) -> Answer:
    """64 MiB hold what was written to them; they are looked through on the device."""
    count = 64 * MIB // 4
    held = torch.arange(count, dtype=torch.int32, device=device)
    bad, last = int((held[1:] - held[:-1] != 1).sum()), int(held[-1])
    answer: Answer = {"bytes": count * 4, "bad": bad, "last": last}
    if bad or last != count - 1:
        answer["wrong"] = f"{bad} of {count} numbers are not what was written, the last one is {last}"
    return answer


def try_matmul(torch: Any, device: str, kind: str, seed: int = 1) -> Answer:
    """A product of two matrices equals the one computed in fp64 on the CPU, which is exact."""
    left, right = make_integers(torch, seed, 384, DEPTH), make_integers(torch, seed + 1, DEPTH, 320)
    dtype = getattr(torch, kind)
    got = left.to(device, dtype) @ right.to(device, dtype)
    return compare(torch, got, left.double() @ right.double())


def try_tf32(torch: Any, device: str, seed: int = 3) -> Answer:
    """The same with TF32 allowed; whether it was used is told, and not judged."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")  # the one switch that old and new ways of reading it understand
    try:
        answer = try_matmul(torch, device, "float32", seed)
        # 1 + 2⁻¹² needs 12 bits after the point, TF32 keeps 10.
        fine = torch.full((DEPTH, DEPTH), 1 + 2.0**-12, device=device)
        answer["is_tf32"] = bool((fine @ torch.eye(DEPTH, device=device) == 1).all())
    finally:
        torch.set_float32_matmul_precision(before)
    return answer


def try_transfer(torch: Any, device: str) -> Answer:
    """Data go to the device and come back through pinned memory, each number one larger."""
    is_cuda = device.startswith("cuda")
    sent = torch.arange(4 * MIB, dtype=torch.int32)
    sent = sent.pin_memory() if is_cuda else sent
    there = sent.to(device, non_blocking=True) + 1
    back = torch.empty(sent.shape, dtype=sent.dtype, pin_memory=is_cuda)
    back.copy_(there, non_blocking=True)
    if is_cuda:
        torch.cuda.synchronize(device)
    bad = int((back != sent + 1).sum())
    answer: Answer = {"bytes": 4 * sent.numel(), "bad": bad, "is_pinned": is_cuda and bool(back.is_pinned())}
    if bad:
        answer["wrong"] = f"{bad} of {sent.numel()} numbers came back changed"
    return answer


def try_conv(torch: Any, device: str, kind: str, dimensions: int, seed: int = 5) -> Answer:
    """A convolution rounds to the whole numbers that it has to give."""
    convolve = getattr(torch.nn.functional, f"conv{dimensions}d")
    size = 32 if dimensions == 2 else 12
    data = make_integers(torch, seed, 2, CHANNELS, *[size] * dimensions)
    weight = make_integers(torch, seed + 1, CHANNELS, CHANNELS, *[3] * dimensions)
    expected = convolve(data.double(), weight.double(), padding=1)
    dtype = getattr(torch, kind)
    got = convolve(data.to(device, dtype), weight.to(device, dtype), padding=1)
    return compare(torch, got, expected, bar=NEAREST)


def try_conv3d(torch: Any, device: str) -> Answer:
    """As in two dimensions, in bf16 and fp32: the kinds that broke apart from one another."""
    return merge(try_conv(torch, device, kind, 3) for kind in ("bfloat16", "float32"))


def try_sdpa(torch: Any, device: str, seed: int = 7) -> Answer:
    """Attention picks one value out of 128, and averages exactly, in fp16, bf16 and fp32."""
    return merge(
        trial
        for kind in ("float16", "bfloat16", "float32")
        for trial in (attend_to_one(torch, device, kind, seed), attend_to_all(torch, device, kind, seed))
    )


def attend_to_one(torch: Any, device: str, kind: str, seed: int) -> Answer:
    """Each query is the code of one key, so much larger that every other weight vanishes.

    The codes are the 128 numbers of 7 bits, written as ±1: its own key scores 7·512/√64 = 448, the next one 320,
    and e⁻¹²⁸ is nothing beside 1 even in fp32.
    """
    bits = (torch.arange(128).unsqueeze(1) >> torch.arange(7)) & 1
    codes = torch.nn.functional.pad(2 * bits - 1, (0, 64 - 7))
    order = torch.randperm(128, generator=torch.Generator().manual_seed(seed))
    values = make_integers(torch, seed, 2, 4, 128, 64)
    key = codes.expand(2, 4, 128, 64)
    query = 512 * key[:, :, order]
    return compare(torch, _attend(torch, device, kind, query, key, values), values[:, :, order], bar=SELECTED)


def attend_to_all(torch: Any, device: str, kind: str, seed: int) -> Answer:
    """Queries of zero weigh all 128 keys alike, and 1/128 is exact."""
    key, values = make_integers(torch, seed + 1, 2, 4, 128, 64), make_integers(torch, seed + 2, 2, 4, 128, 64)
    expected = values.double().mean(dim=2, keepdim=True).expand(values.shape)
    return compare(torch, _attend(torch, device, kind, torch.zeros_like(key), key, values), expected)


def _attend(torch: Any, device: str, kind: str, *parts: Any) -> Any:
    dtype = getattr(torch, kind)
    query, key, values = (each.to(device, dtype).contiguous() for each in parts)
    return torch.nn.functional.scaled_dot_product_attention(query, key, values)


def try_autograd(torch: Any, device: str, seed: int = 11) -> Answer:
    """Gradients of a product equal those computed with whole numbers."""
    left, right = make_integers(torch, seed, 192, DEPTH), make_integers(torch, seed + 1, DEPTH, 160)
    weight = make_integers(torch, seed + 2, 192, 160)
    leaves = [each.to(device, torch.float32).requires_grad_() for each in (left, right)]
    ((leaves[0] @ leaves[1]) * weight.to(device, torch.float32)).sum().backward()
    expected = (weight @ right.T, left.T @ weight)
    return merge(compare(torch, leaf.grad, each) for leaf, each in zip(leaves, expected))


def try_amp(torch: Any, device: str) -> Answer:
    """One mixed-precision step with a gradient scaler: finite, the scale unchanged, the weights moved."""
    kind = device.partition(":")[0]
    weight = (make_integers(torch, 13, 64, 64).to(device, torch.float32) / 8).requires_grad_()
    data = make_integers(torch, 14, 32, 64).to(device, torch.float32) / 8
    optimizer = torch.optim.SGD([weight], lr=0.5)
    scaler = _make_scaler(torch, kind)
    before, scale = weight.detach().clone(), float(scaler.get_scale())
    with torch.autocast(kind, dtype=torch.float16 if kind == "cuda" else torch.bfloat16):
        loss = (data @ weight).relu().float().mean()
    scaler.scale(loss).backward()
    scaler.step(optimizer)
    scaler.update()
    moved = float((weight.detach() - before).abs().max())
    answer: Answer = {"loss": float(loss), "scale": float(scaler.get_scale()), "moved": moved}
    answer.update(_judge_step(answer, scale))
    return answer


def _make_scaler(torch: Any, kind: str) -> Any:
    """torch's gradient scaler: before 2.3 it was CUDA's alone."""
    make = getattr(torch.amp, "GradScaler", None)
    return make(kind) if make is not None else torch.cuda.amp.GradScaler(enabled=kind == "cuda")


def _judge_step(answer: Answer, scale: float) -> Answer:
    if not all(map(math.isfinite, answer.values())):
        return {"wrong": f"something is not finite: {answer}"}
    if answer["scale"] != scale:
        return {"wrong": f"the scale went from {scale} to {answer['scale']}: gradients were not finite"}
    return {} if answer["moved"] > 0 else {"wrong": "the step changed no weight"}


def try_graph(torch: Any, device: str, seed: int = 17) -> Answer:
    """A captured graph, played again on new data, gives the new data's product."""
    parts = [make_integers(torch, seed, 128, DEPTH), make_integers(torch, seed + 1, DEPTH, 128)]
    left, right = (each.to(device, torch.float32) for each in parts)
    result = torch.zeros(128, 128, device=device)
    replay = _capture(torch, device, lambda: torch.mm(left, right, out=result))
    fresh = make_integers(torch, seed + 2, 128, DEPTH)
    left.copy_(fresh)
    replay()
    return compare(torch, result, fresh @ parts[1])


def _capture(torch: Any, device: str, work: Callable[[], Any]) -> Callable[[], Any]:
    """Plays the work again: a CUDA graph of it, or, where there are none, the work itself."""
    if not device.startswith("cuda"):
        work()
        return work
    with torch.cuda.device(device):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            work()  # what is made at the first call cannot be made within a capture
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
    replay: Callable[[], Any] = graph.replay
    return replay


def try_compile(torch: Any, device: str, seed: int = 19, sizes: dict[str, int] | None = None) -> Answer:
    """A compiled function and its gradients are as near to fp64 as the same function run eagerly.

    Two layer norms share a scale and a shift that are broadcast over the batch: a shape whose compiled gradients
    were silently wrong in a release (pytorch issue 193061).
    """
    is_cuda = device.startswith("cuda")
    chosen = sizes or ({"rows": 4096, "width": 1024} if is_cuda else {"rows": 256, "width": 64})
    generator = torch.Generator().manual_seed(seed)
    leaves = [
        torch.randn(*shape, generator=generator) / scale
        for shape, scale in (
            ((1, chosen["rows"], chosen["width"]), 1),
            ((1, 2, chosen["width"]), 4),
            ((chosen["width"], chosen["width"]), math.sqrt(chosen["width"])),
        )
    ]
    expected = _differentiate(torch, _modulate(torch), [each.double() for each in leaves])
    on_device = [each.to(device) for each in leaves]
    eager = _differentiate(torch, _modulate(torch), on_device)
    compiled = _differentiate(torch, torch.compile(_modulate(torch), fullgraph=True), on_device)
    return merge(_compare_errors(torch, *each) for each in zip(compiled, eager, expected))


def _modulate(torch: Any) -> Callable[..., Any]:
    functional = torch.nn.functional

    def work(data: Any, table: Any, weight: Any) -> Any:
        shift, scale = table[:, :1], table[:, 1:]
        width = data.shape[-1:]
        hidden = functional.layer_norm(data, width) * (1 + scale) + shift
        hidden = data + functional.gelu(hidden @ weight)
        return functional.layer_norm(hidden, width) * (1 + scale) + shift

    return work


def _differentiate(torch: Any, work: Callable[..., Any], leaves: Any) -> Any:
    """The result and the gradient of each leaf, of a sum that weighs every element differently."""
    fresh = [each.clone().requires_grad_() for each in leaves]
    result = work(*fresh)
    weights = torch.cos(torch.arange(result.numel(), dtype=torch.float64)).reshape(result.shape)
    (result * weights.to(result.device, result.dtype)).sum().backward()
    return [result.detach(), *(each.grad for each in fresh)]


def _compare_errors(torch: Any, compiled: Any, eager: Any, expected: Any) -> Answer:
    scale = float(expected.abs().max())
    own, other = (float((each.to("cpu", torch.float64) - expected).abs().max()) for each in (compiled, eager))
    bar = 4 * other + 64 * 2.0**-24 * scale
    # How far the error is over eager's, in units of fp32's last bit: what the factor and the term are measured by.
    answer: Answer = {"error": own, "eager": other, "excess": max(0.0, own - 4 * other) / (2.0**-24 * scale)}
    if not own <= bar:
        answer["wrong"] = f"the error against fp64 is {own}, eager's is {other}, at most {bar} was allowed"
    elif not float(compiled.abs().max()) > 0:
        answer["wrong"] = "all results are zero"
    return answer
