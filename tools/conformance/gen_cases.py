#!/usr/bin/env python3
"""Golden cases for every op of the engine, forward and backward, made with PyTorch in float64.

    python3 -m venv venv && venv/bin/pip install torch librosa safetensors
    venv/bin/python tools/conformance/gen_cases.py --seed 1 --per-op 4 --out target/cases
    tools/with-gpu cargo run --release --example conformance -- target/cases

Needs torch 2.15, librosa 0.11, numpy and safetensors or later ones; a processor is enough.

One case is one safetensors file `<op>__<nn>.safetensors`. Its `__metadata__["case"]` is JSON:

    {"op": "conv2d", "attrs": {...},          # semantics of the attrs: CASES.md
     "inputs":  ["x", "weight", ...],         # tensors to feed, F32 (indices: I32)
     "outputs": ["y", ...],                   # expected forward results
     "upstream": {"y": "dy"},                 # gradient arriving at each output (absent: op has no backward)
     "grads":   {"x": "dx", ...},             # expected gradient of each differentiable input
     "tol": 1e-4}                             # per tensor: max|got-want| <= tol * max(1e-3, max|want|); NaN fails

Inputs are drawn in float32 and promoted, so both sides see the same values; expected values are
computed in float64 and stored as F32. Shapes change with the seed: awkward sizes (1, primes, one
more than a tile) are drawn on purpose.
"""
import argparse, json, math, os, zlib
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

torch.set_num_threads(1)


class Draw:
    """Random shapes and values of one case."""

    def __init__(self, seed):
        self.r = np.random.default_rng(seed)

    def pick(self, *xs):
        return xs[int(self.r.integers(len(xs)))]

    def normal(self, *shape, scale=1.0, shift=0.0):
        return torch.from_numpy(np.asarray(self.r.standard_normal(shape) * scale + shift, dtype=np.float32))

    def uniform(self, *shape, lo=0.0, hi=1.0):
        return torch.from_numpy(self.r.uniform(lo, hi, shape).astype(np.float32))

    def ints(self, hi, *shape):
        return torch.from_numpy(self.r.integers(0, hi, shape).astype(np.int32))


def run(draw, op, attrs, inputs, fn, diff=(), tol=1e-4):
    """Evaluates fn(**inputs in f64) and, for the inputs named in diff, its vector-Jacobian product."""
    t = {}
    for k, v in inputs.items():
        t[k] = v.double() if v.is_floating_point() else v.long()
        if k in diff:
            t[k].requires_grad_(True)
    out = fn(**t)
    out = out if isinstance(out, dict) else {"y": out}
    tensors = {k: v.contiguous() for k, v in inputs.items()}
    meta = dict(op=op, attrs=attrs, inputs=list(inputs), outputs=list(out), upstream={}, grads={}, tol=tol)
    total = 0.0
    for k, v in out.items():
        tensors[k] = v.detach().float().contiguous()
        if diff and v.requires_grad:
            d = draw.normal(*v.shape)
            tensors["d" + k] = d
            meta["upstream"][k] = "d" + k
            total = total + (d.double() * v).sum()
    if diff:
        grads = torch.autograd.grad(total, [t[k] for k in diff])
        for k, g in zip(diff, grads):
            tensors["grad_" + k] = g.float().contiguous()
            meta["grads"][k] = "grad_" + k
    return tensors, meta


# ---------------------------------------------------------------- dense, convolution
def conv2d(d):
    k = d.pick(1, 3, 3, 5, 7, 9, 11)
    groups = d.pick(1, 1, 1, 2, 5)
    cin, cout = groups * d.pick(1, 3, 8, 17), groups * d.pick(1, 4, 16, 33)
    stride, dil = d.pick(1, 1, 2, 4), d.pick(1, 1, 2) if k <= 5 else 1
    pad = d.pick(0, k // 2, k // 2)
    h, w = (dil * (k - 1) + 1 + d.pick(0, 1, 6, 13, 22) for _ in range(2))
    n, bias = d.pick(1, 2, 3), d.pick(True, False)
    a = dict(stride=[stride, stride], padding=[pad, pad], dilation=[dil, dil], groups=groups)
    i = dict(x=d.normal(n, cin, h, w), weight=d.normal(cout, cin // groups, k, k, scale=1 / math.sqrt(cin * k * k)))
    if bias:
        i["bias"] = d.normal(cout)
    return run(d, "conv2d", a, i, lambda x, weight, bias=None: F.conv2d(x, weight, bias, stride, pad, dil, groups), tuple(i))


def conv1d(d):
    k, cin, cout, stride = d.pick(3, 7), d.pick(1, 5, 16), d.pick(8, 31), d.pick(1, 2)
    i = dict(x=d.normal(d.pick(1, 3), cin, d.pick(50, 129)), weight=d.normal(cout, cin, k, scale=0.2), bias=d.normal(cout))
    return run(d, "conv1d", dict(stride=stride, padding=k // 2), i,
               lambda x, weight, bias: F.conv1d(x, weight, bias, stride, k // 2), tuple(i))


def linear(d):
    m, k, n = d.pick(1, 5, 64, 129), d.pick(1, 7, 64, 257), d.pick(1, 4, 65, 128)
    i = dict(x=d.normal(m, k), weight=d.normal(n, k, scale=1 / math.sqrt(k)), bias=d.normal(n))
    return run(d, "linear", {}, i, lambda x, weight, bias: F.linear(x, weight, bias), tuple(i))


def matmul(d):
    b, m, k, n = d.pick(1, 3, 8), d.pick(1, 17, 64), d.pick(3, 32, 129), d.pick(2, 33, 64)
    ta, tb = d.pick(True, False), d.pick(True, False)
    i = dict(a=d.normal(b, *((k, m) if ta else (m, k))), b=d.normal(b, *((n, k) if tb else (k, n))))
    f = lambda a, b: (a.transpose(1, 2) if ta else a) @ (b.transpose(1, 2) if tb else b)
    return run(d, "matmul", dict(transpose_a=ta, transpose_b=tb), i, f, ("a", "b"))


# ---------------------------------------------------------------- normalisation
def batch_norm_train(d):
    n, c, h, w = d.pick(2, 5), d.pick(1, 7, 32), d.pick(1, 5, 16), d.pick(1, 9, 16)
    if n * h * w < 8:  # two values a channel: the gradient is what cancellation leaves
        h = 5
    eps, mom = d.pick(1e-5, 1e-3), 0.1
    i = dict(x=d.normal(n, c, h, w, scale=2, shift=1), weight=d.normal(c, shift=1, scale=.3), bias=d.normal(c),
             running_mean=d.normal(c), running_var=d.uniform(c, lo=.5, hi=2))

    def f(x, weight, bias, running_mean, running_var):
        rm, rv = running_mean.clone(), running_var.clone()
        y = F.batch_norm(x, rm, rv, weight, bias, True, mom, eps)
        return dict(y=y, new_running_mean=rm.detach(), new_running_var=rv.detach())
    return run(d, "batch_norm_train", dict(eps=eps, momentum=mom), i, f, ("x", "weight", "bias"), 2e-4)


def batch_norm_eval(d):
    n, c, h, w = d.pick(1, 4), d.pick(1, 7, 32), d.pick(1, 5, 16), d.pick(1, 9, 16)
    i = dict(x=d.normal(n, c, h, w, scale=2, shift=1), weight=d.normal(c, shift=1, scale=.3), bias=d.normal(c),
             running_mean=d.normal(c), running_var=d.uniform(c, lo=.5, hi=2))
    f = lambda x, weight, bias, running_mean, running_var: F.batch_norm(x, running_mean, running_var, weight, bias, False, 0., 1e-5)
    return run(d, "batch_norm_eval", dict(eps=1e-5), i, f, ("x", "weight", "bias"))


def lrn(d):
    i = dict(x=d.normal(d.pick(1, 2), d.pick(1, 4, 33, 96), d.pick(1, 7), d.pick(5, 8)))
    a = dict(size=d.pick(1, 4, 5), alpha=d.pick(1e-4, 1.0), beta=d.pick(.75, .5), k=d.pick(1.0, 2.0))
    return run(d, "lrn", a, i, lambda x: F.local_response_norm(x, **a), ("x",))


def layer_norm(d):
    r, n = d.pick(1, 6, 65), d.pick(3, 64, 127, 512)
    mode = d.pick("standard", "unbiased_std")
    i = dict(x=d.normal(r, n, scale=3, shift=2), weight=d.normal(n, shift=1), bias=d.normal(n))

    def f(x, weight, bias):
        if mode == "standard":
            return F.layer_norm(x, (n,), weight, bias, 1e-5)
        return weight * (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-6) + bias
    return run(d, "layer_norm", dict(mode=mode, eps=1e-5 if mode == "standard" else 1e-6), i, f, tuple(i), 2e-4)


# ---------------------------------------------------------------- pointwise, shape, reductions
def unary(name, fn):
    def case(d):
        i = dict(x=d.normal(d.pick(1, 3), d.pick(1, 37, 256), d.pick(5, 31), scale=2))
        return run(d, name, {}, i, lambda x: fn(x), ("x",), 2e-5)
    return case


def add(d):
    s = (d.pick(1, 3), d.pick(7, 64), d.pick(5, 33))
    return run(d, "add", {}, dict(a=d.normal(*s), b=d.normal(*s)), lambda a, b: a + b, ("a", "b"), 1e-6)


def mul(d):
    s = (d.pick(1, 3), d.pick(7, 64), d.pick(5, 33))
    return run(d, "mul", {}, dict(a=d.normal(*s), b=d.normal(*s)), lambda a, b: a * b, ("a", "b"), 1e-6)


def channel_scale(d):
    n, c, h, w = d.pick(1, 3), d.pick(1, 16, 33), d.pick(1, 8, 17), d.pick(3, 16)
    i = dict(x=d.normal(n, c, h, w), s=d.uniform(n, c))
    return run(d, "channel_scale", {}, i, lambda x, s: x * s[:, :, None, None], ("x", "s"))


def concat(d):
    n, h, w, cs = d.pick(1, 2), d.pick(1, 6), d.pick(5, 9), [d.pick(1, 3, 16) for _ in range(d.pick(2, 3))]
    i = {f"x{k}": d.normal(n, c, h, w) for k, c in enumerate(cs)}
    return run(d, "concat", dict(dim=1), i, lambda **t: torch.cat(list(t.values()), 1), tuple(i), 1e-6)


def slice_(d):
    n, c, h = d.pick(1, 2), d.pick(5, 32), d.pick(3, 17)
    lo = d.pick(0, 1, c // 2)
    hi = d.pick(lo + 1, c)
    return run(d, "slice", dict(dim=1, start=lo, end=hi), dict(x=d.normal(n, c, h)), lambda x: x[:, lo:hi], ("x",), 1e-6)


def permute(d):
    p = list(d.r.permutation(4))
    p = [int(v) for v in p]
    s = [d.pick(1, 3, 8, 13) for _ in range(4)]
    return run(d, "permute", dict(dims=p), dict(x=d.normal(*s)), lambda x: x.permute(*p), ("x",), 1e-6)


def reduce(name, fn):
    def case(d):
        s = (d.pick(1, 3), d.pick(1, 17, 64), d.pick(1, 31, 300))
        dim = d.pick(0, 1, 2)
        return run(d, name, dict(dim=dim, keepdim=False), dict(x=d.normal(*s)), lambda x: fn(x, dim), ("x",))
    return case


def softmax(d):
    s, dim = (d.pick(1, 4), d.pick(2, 17, 64), d.pick(1, 33, 300)), d.pick(1, 2)
    return run(d, "softmax", dict(dim=dim), dict(x=d.normal(*s, scale=d.pick(1, 30))), lambda x: torch.softmax(x, dim), ("x",))


def max_pool2d(d):
    k, s, p = d.pick((2, 2, 0), (3, 2, 1), (3, 2, 0), (3, 1, 1))
    i = dict(x=d.normal(d.pick(1, 2), d.pick(1, 5, 16), d.pick(6, 9, 17), d.pick(7, 16)))
    return run(d, "max_pool2d", dict(kernel=[k, k], stride=[s, s], padding=[p, p]), i, lambda x: F.max_pool2d(x, k, s, p), ("x",), 1e-6)


def avg_pool2d(d):
    k, s, p, ceil, cip = d.pick((2, 2, 0, False, True), (3, 1, 1, False, True), (3, 2, 1, False, True),
                                (2, 2, 0, True, False), (7, 1, 0, False, True), (4, 4, 0, False, True))
    i = dict(x=d.normal(d.pick(1, 2), d.pick(1, 5, 16), d.pick(8, 9, 17), d.pick(7, 16)))
    return run(d, "avg_pool2d", dict(kernel=[k, k], stride=[s, s], padding=[p, p], ceil_mode=ceil, count_include_pad=cip),
               i, lambda x: F.avg_pool2d(x, k, s, p, ceil, cip), ("x",))


def global_avg_pool(d):
    i = dict(x=d.normal(d.pick(1, 3), d.pick(1, 17, 64), d.pick(1, 8, 31), d.pick(1, 9)))
    return run(d, "global_avg_pool", {}, i, lambda x: x.mean((2, 3)), ("x",))


# ---------------------------------------------------------------- attention, recurrent, capsules
def attention(d):
    b, h, tq, dk = d.pick(1, 3), d.pick(1, 2, 8), d.pick(1, 8, 64, 77), d.pick(8, 33, 64)
    tk = d.pick(tq, tq, 5)
    i = dict(q=d.normal(b, h, tq, dk), k=d.normal(b, h, tk, dk), v=d.normal(b, h, tk, dk))
    f = lambda q, k, v: torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(dk), -1) @ v
    return run(d, "attention", dict(scale=1 / math.sqrt(dk)), i, f, ("q", "k", "v"))


def lengths_of(d, frames, per):
    """Three lengths whose valid positions are all, most and few of `frames`, two at least."""
    return [int(n) * per + int(d.r.integers(0, per)) for n in (frames, d.r.integers(2, frames + 1), 2)]


def masked_softmax(d):
    rows, s, per = d.pick(1, 4, 31), d.pick(2, 33, 300), d.pick(1, 2)
    lengths = lengths_of(d, s, per)

    def f(x):
        own = torch.tensor([n // per for n in lengths]).repeat_interleave(x.shape[0] // 3)
        behind = torch.arange(s) >= own[:, None, None]
        return torch.softmax(x.masked_fill(behind, -math.inf), -1)
    return run(d, "masked_softmax", dict(lengths=lengths, per=per), dict(x=d.normal(3 * d.pick(1, 2), rows, s, scale=d.pick(1, 30))), f, ("x",))


def time_mask(d):
    rows, t, per, spread = d.pick(1, 4, 31), d.pick(2, 33, 150), d.pick(1, 2), d.pick(True, False)
    lengths = lengths_of(d, t, per)

    def f(x):
        own = torch.tensor([n // per for n in lengths]).repeat_interleave(x.shape[0] // 3)[:, None, None]
        scale = t / own if spread else 1
        return torch.where(torch.arange(t) < own, x * scale, 0.0)
    return run(d, "time_mask", dict(lengths=lengths, per=per, spread=spread), dict(x=d.normal(3 * d.pick(1, 2), rows, t)), f, ("x",))


def time_pool(d):
    t, w, per = d.pick(2, 33, 150), d.pick(1, 17, 130), d.pick(1, 2)
    lengths, i = lengths_of(d, t, per), dict(x=d.normal(3, t, w, shift=1.5))
    if d.pick(True, False):
        i["scores"] = d.normal(3, t)

    def f(x, scores=None):
        out = []
        for b, n in enumerate(n // per for n in lengths):
            a = torch.full((n,), 1 / n, dtype=x.dtype) if scores is None else torch.softmax(scores[b, :n], 0)
            mean = a @ x[b, :n]
            out.append(torch.cat([mean, (a @ (x[b, :n] - mean) ** 2).sqrt()]))
        return torch.stack(out)
    return run(d, "time_pool", dict(lengths=lengths, per=per), i, f, tuple(i), 2e-4)


def lstm(d):
    t, b, n, h, bi = d.pick(1, 9, 20), d.pick(1, 3), d.pick(5, 34), d.pick(4, 17), d.pick(True, False)
    m = torch.nn.LSTM(n, h, bidirectional=bi).double()
    names = [k for k, _ in m.named_parameters()]
    i = dict(x=d.normal(t, b, n))
    for k, p in m.named_parameters():
        i[k] = d.normal(*p.shape, scale=1 / math.sqrt(h))
    f = lambda x, **w: torch.func.functional_call(m, w, (x,))[0]
    return run(d, "lstm", dict(hidden=h, bidirectional=bi, layout="TBC", gates="ifgo"), i, f, tuple(i))


def squashed(x):
    q = (x * x).sum(-1, keepdim=True)
    return q / (1 + q) * x / (q.sqrt() + 1e-8)


def squash(d):
    i = dict(x=d.normal(d.pick(1, 3), d.pick(1, 10, 67), d.pick(1, 7, 8, 16), scale=d.pick(.01, 1, 10)))
    return run(d, "squash", dict(squash_eps=1e-8), i, squashed, ("x",))


def length(d):
    i = dict(x=d.normal(d.pick(1, 3), d.pick(1, 4, 67), d.pick(1, 7, 16), scale=d.pick(.01, 1, 10)))
    return run(d, "length", {}, i, lambda x: x.norm(dim=-1), ("x",))


def attention_decoder(d):
    b, t, n, u, o = d.pick(1, 3), d.pick(2, 6, 17), d.pick(3, 8, 20), d.pick(1, 4, 9), d.pick(2, 4, 7)
    k, reverse = o + u + n, d.pick(True, False)
    shapes = {"state.weight": (u, n), "query.weight": (u, u), "key.weight": (u, n), "key.bias": (u,), "score.weight": (1, u)}
    for name, rows in (("reset", u), ("update", u), ("candidate", u), ("output", o)):
        shapes |= {name + ".weight": (rows, k), name + ".bias": (rows,)}
    i = dict(x=d.normal(b, t, n)) | {name: d.normal(*s, scale=1.5 / math.sqrt(s[-1])) for name, s in shapes.items()}

    def f(x, **w):
        lin = lambda name, v: F.linear(v, w[name + ".weight"], w.get(name + ".bias"))
        x = x.flip(1) if reverse else x
        s, y, ys = torch.tanh(lin("state", x[:, 0])), x.new_zeros(b, o), []
        for _ in range(t):
            a = torch.softmax(lin("score", torch.tanh(lin("query", s)[:, None] + lin("key", x))), 1)
            c = (a * x).sum(1)
            v = torch.cat([y, s, c], 1)
            r, z = torch.sigmoid(lin("reset", v)), torch.sigmoid(lin("update", v))
            new = torch.tanh(lin("candidate", torch.cat([y, r * s, c], 1)))
            y, s = torch.softmax(lin("output", v), 1), (1 - z) * s + z * new
            ys.append(y)
        return torch.stack(ys[::-1] if reverse else ys, 1)
    return run(d, "attention_decoder", dict(reverse=reverse), i, f, tuple(i))


def capsule_routing(d):
    b, n, j, di, do = d.pick(1, 2), d.pick(10, 67), 4, 8, 16
    i = dict(u=d.normal(b, n, di), weight=d.normal(j, n, do, di, scale=.1))

    def f(u, weight):
        hat = torch.einsum("jnod,bnd->bjno", weight, u)
        logits = torch.zeros(b, j, n, dtype=hat.dtype)
        for it in range(3):
            c = torch.softmax(logits, 1)
            v = squashed((c[..., None] * (hat if it == 2 else hat.detach())).sum(2))
            if it < 2:
                logits = logits + (hat.detach() * v[:, :, None]).sum(-1)
        return v
    return run(d, "capsule_routing", dict(iterations=3, squash_eps=1e-8), i, f, ("u", "weight"), 2e-4)


# ---------------------------------------------------------------- losses (mean over the batch)
def soft_labels(d, n, c):
    y = torch.softmax(d.normal(n, c, scale=2), 1)
    return y if d.pick(True, False) else F.one_hot(y.argmax(1), c).float()


def cross_entropy(d):
    n, c, s = d.pick(1, 7, 64), d.pick(2, 4, 24), d.pick(0.0, 0.1)
    i = dict(logits=d.normal(n, c, scale=d.pick(1, 20)), target=soft_labels(d, n, c))
    return run(d, "cross_entropy", dict(label_smoothing=s), i,
               lambda logits, target: F.cross_entropy(logits, target, label_smoothing=s), ("logits",))


def focal_bce(d):
    n, c, g, s = d.pick(1, 7, 64), 4, 2.0, 0.1
    i = dict(logits=d.normal(n, c, scale=2), target=soft_labels(d, n, c))

    def f(logits, target):
        p, y = torch.softmax(logits, 1), target * (1 - s) + s / c
        l = -(y * p.log() + (1 - y) * (1 - p).log())
        return ((1 - (-l).exp()) ** g * l).mean()
    return run(d, "focal_bce", dict(gamma=g, label_smoothing=s), i, f, ("logits",), 3e-4)


def margin(d):
    n, c = d.pick(1, 7, 64), d.pick(2, 4, 24)
    a = dict(upper=d.pick(.9, .8), lower=d.pick(.1, .3), down=d.pick(.5, 1.0))
    i = dict(lengths=d.uniform(n, c), target=soft_labels(d, n, c))

    def f(lengths, target):
        present, absent = (a["upper"] - lengths).clamp(min=0) ** 2, (lengths - a["lower"]).clamp(min=0) ** 2
        return (target * present + a["down"] * (1 - target) * absent).sum(1).mean()
    return run(d, "margin", a, i, f, ("lengths",))


def bce_with_logits(d):
    n, c = d.pick(1, 9), d.pick(1, 4)
    i = dict(logits=d.normal(n, c, scale=d.pick(1, 20)), target=d.uniform(n, c))
    return run(d, "bce_with_logits", {}, i, lambda logits, target: F.binary_cross_entropy_with_logits(logits, target), ("logits",))


def squared_hinge(d):
    n, c = d.pick(1, 7, 64), d.pick(1, 4, 9)
    i = dict(decision=d.normal(n, c, scale=d.pick(1, 5)), target=(d.normal(n, c) > 0).float())
    f = lambda decision, target: ((1 - (2 * target - 1) * decision).clamp(min=0) ** 2).sum(1).mean()
    return run(d, "squared_hinge", {}, i, f, ("decision",))


def rbf(d):
    n, s, k, gamma = d.pick(1, 9, 65), d.pick(1, 30, 129), d.pick(1, 13, 78), d.pick(.2, 1.0)
    i = dict(x=d.normal(n, k), support=d.normal(s, k))
    f = lambda x, support: torch.exp(-gamma / k * ((x[:, None] - support) ** 2).sum(2))
    return run(d, "rbf", dict(gamma=gamma / k), i, f)


def votes(d):
    n, k = d.pick(1, 9, 65), d.pick(2, 4, 7)
    first, second = torch.tensor([(i, j) for i in range(k) for j in range(i + 1, k)]).T
    i = dict(decision=d.normal(n, len(first)))
    f = lambda decision: torch.zeros(n, k).double().index_add(1, first, (decision > 0).double()).index_add(1, second, (decision <= 0).double())
    return run(d, "votes", dict(classes=k), i, f)


def kl_distil(d):
    n, c, t = d.pick(1, 9), 4, d.pick(1.0, 4.0)
    i = dict(student=d.normal(n, c, scale=3), teacher=d.normal(n, c, scale=3))
    f = lambda student, teacher: t * t * F.kl_div(torch.log_softmax(student / t, 1), torch.softmax(teacher / t, 1), reduction="batchmean")
    return run(d, "kl_distillation", dict(temperature=t), i, f, ("student",), 3e-4)


# ---------------------------------------------------------------- optimisers (several steps)
def optimiser(name, make, attrs):
    def case(d):
        n, steps = d.pick(1, 33, 1000), 3
        i = dict(param=d.normal(n))
        for s in range(steps):
            i[f"grad{s}"] = d.normal(n, scale=.5)

        def f(param, **g):
            p = torch.nn.Parameter(param.clone())
            o = make(p)
            for s in range(steps):
                p.grad = g[f"grad{s}"]
                o.step()
            return dict(param_out=p.detach())
        return run(d, name, attrs, i, f, (), 1e-5)
    return case


# ---------------------------------------------------------------- signal processing
def signal(d):
    n = d.pick(1600, 4001, 16000)
    kind = d.pick("noise", "chirp", "silence_then_tone", "clipped")
    t = np.arange(n) / 16000
    if kind == "noise":
        x = d.r.standard_normal(n) * .1
    elif kind == "chirp":
        x = .5 * np.sin(2 * np.pi * (100 * t + 2000 * t * t))
    elif kind == "clipped":
        x = np.clip(2 * np.sin(2 * np.pi * 220 * t), -1, 1)
    else:
        x = np.where(t < t[-1] / 2, 0, .3 * np.sin(2 * np.pi * 440 * t))
    return torch.from_numpy(x.astype(np.float32))


def pre_emphasis(d):
    return run(d, "pre_emphasis", dict(coefficient=.97), dict(x=signal(d)),
               lambda x: torch.cat([x[:1], x[1:] - .97 * x[:-1]]), (), 1e-5)


def stft(d):
    nfft, win, hop = d.pick((512, 400, 160), (1024, 1024, 512), (2048, 882, 441), (256, 200, 100), (400, 400, 160), (1000, 882, 441))
    w = d.pick("hann", "hamming")

    def f(x):
        wn = (torch.hann_window if w == "hann" else torch.hamming_window)(win, dtype=torch.float64)
        s = torch.stft(x, nfft, hop, win, wn, center=True, pad_mode="reflect", return_complex=True)
        return dict(re=s.real, im=s.imag)
    return run(d, "stft", dict(n_fft=nfft, win_length=win, hop_length=hop, window=w, periodic=True, center=True, pad_mode="reflect"),
               dict(x=signal(d)), f, (), 1e-4)


def mel_spectrogram(d):
    import librosa
    nfft, win, hop, mels = d.pick((512, 400, 160, 64), (1024, 1024, 512, 64), (512, 400, 160, 80), (1024, 400, 160, 128))
    a = dict(sample_rate=16000, n_fft=nfft, win_length=win, hop_length=hop, n_mels=mels, f_min=d.pick(0.0, 20.0), f_max=8000.0,
             mel_scale=d.pick("slaney", "htk"), mel_norm=d.pick("slaney", "none"), power=d.pick(1.0, 2.0), window=d.pick("hann", "hamming"),
             pad_mode=d.pick("reflect", "constant"), log=d.pick("none", "db"))

    def f(x):
        y = librosa.feature.melspectrogram(
            y=x.numpy(), sr=16000, n_fft=nfft, win_length=win, hop_length=hop, window=a["window"], center=True, pad_mode=a["pad_mode"],
            power=a["power"], n_mels=mels, fmin=a["f_min"], fmax=8000.0, htk=a["mel_scale"] == "htk",
            norm="slaney" if a["mel_norm"] == "slaney" else None, dtype=np.float64)
        if a["log"] == "db":  # 10 log10 of power, relative to the clip's maximum, floor -80 dB
            p = y if a["power"] == 2.0 else y ** 2
            y = librosa.power_to_db(p, ref=np.max, amin=1e-10, top_db=80.0)
        return torch.from_numpy(np.ascontiguousarray(y))
    return run(d, "mel_spectrogram", a, dict(x=signal(d)), f, (), 5e-4)


def mfcc(d):
    import librosa
    a = dict(sample_rate=16000, n_fft=512, hop_length=160, n_mels=40, n_mfcc=13, dct="ortho")

    def f(x):
        m = librosa.feature.melspectrogram(y=x.numpy(), sr=16000, n_fft=512, hop_length=160, n_mels=40, dtype=np.float64)
        return torch.from_numpy(librosa.feature.mfcc(S=librosa.power_to_db(m, amin=1e-10, top_db=80.0), n_mfcc=13))
    return run(d, "mfcc", a, dict(x=signal(d)), f, (), 5e-4)


def moments(d):
    m, t, hop = d.pick(1, 13, 39), d.pick(1, 30, 131), d.pick(100, 160)
    length = (int(d.r.integers(1, t + 1)) - 1) * hop + int(d.r.integers(1, hop))

    def f(x):
        own = x[:, :length // hop + 1]
        return torch.stack([own.mean(1), own.std(1, correction=0)])
    return run(d, "moments", dict(hop=hop, length=length), dict(x=d.normal(m, t, shift=2.0)), f)


def frames_of(x, frame, hop):
    return x.unfold(0, frame, hop), torch.fft.fft(x.unfold(0, frame, hop)).abs()[:, :frame // 2] / (frame // 2)


def framed(d, *frames):
    x = signal(d)
    frame, hop = d.pick(*[f for f in frames if f[0] <= len(x)])
    return x, frame, hop


def dft(d):
    x, frame, hop = framed(d, (3200, 1600), (480, 160), (90, 30), (1024, 512))
    return run(d, "dft", dict(frame=frame, hop=hop), dict(x=x), lambda x: frames_of(x, frame, hop)[1], (), 2e-5)


def short_term(d):
    x, frame, hop = framed(d, (3200, 1600), (480, 160), (1024, 512))
    # Of a tone alone, whose bins elsewhere are nothing but rounding, the logarithms of bands are arbitrary.
    x = (x.double() + 1e-3 * torch.from_numpy(d.r.standard_normal(len(x)))).float()
    rate, eps = 16000, np.finfo(float).eps
    points = 133.33 + 200 / 3 * np.arange(13)
    points = np.r_[points, points[-1] * 1.0711703 ** np.arange(1, 30)]

    def entropy(x):
        n = len(x) // 10
        share = (x[:10 * n].reshape(10, n) ** 2).sum(1) / ((x ** 2).sum() + eps)
        return -(share * np.log2(share + eps)).sum()

    def features(x, mag, before):
        from scipy.fft import dct
        bins, power, total = len(mag), mag ** 2, mag.sum() + eps
        f = np.arange(bins) * rate / (2 * bins)
        bank = np.array([2 / (r - l) * np.clip(np.minimum((f - l) / (c - l), (r - f) / (r - c)), 0, None)
                         for l, c, r in zip(points, points[1:], points[2:])])
        at = np.arange(1, bins + 1) / bins
        centroid = (at * mag).sum() / total
        above = np.flatnonzero(power.cumsum() > .9 * power.sum())
        semitone = np.round(12 * np.log2(at * rate / 2 / 27.5)).astype(int)
        chroma = sum(np.where(semitone == s, power, 0).sum() / (semitone == s).sum() * np.eye(12)[s % 12] for s in np.unique(semitone))
        chroma = chroma / max(power.sum(), eps)
        return np.r_[np.abs(np.diff(np.sign(x))).sum() / 2 / (len(x) - 1), (x ** 2).mean(), entropy(x), centroid,
                     np.sqrt(((at - centroid) ** 2 * mag).sum() / total), entropy(mag), ((mag / total - before / (before.sum() + eps)) ** 2).sum(),
                     above[0] / bins if len(above) else 0, dct(np.log10(bank @ mag + eps), norm="ortho")[:13], chroma, chroma.std()]

    def f(x):
        x, mag = (v.numpy() for v in frames_of(x, frame, hop))
        return torch.from_numpy(np.stack([features(x[t], mag[t], mag[max(t, 1) - 1]) for t in range(len(x))]))
    return run(d, "short_term", dict(sample_rate=rate, frame=frame, hop=hop), dict(x=x), f, (), 2e-5)


def resize(d):
    h, w, oh, ow, mode = d.pick(8, 64), d.pick(20, 101), d.pick(16, 64), d.pick(32, 64), d.pick("nearest", "bilinear", "area")
    f = lambda x: F.interpolate(x, (oh, ow), mode=mode, **({"align_corners": False} if mode == "bilinear" else {}))
    return run(d, "resize", dict(size=[oh, ow], mode=mode, align_corners=False), dict(x=d.normal(1, d.pick(1, 3), h, w)), f, (), 1e-5)


def horizontal_mixup(d):
    c, h, w = d.pick(1, 3), d.pick(8, 64), d.pick(16, 65)
    a, b, cc = d.pick((.05, 1.25, 1.0), (1.0, 0.0, .5), (.1, .75, 1.0))
    i = dict(x1=d.uniform(c, h, w), x2=d.uniform(c, h, w))

    def f(x1, x2):
        wt = cc * (a + b * torch.arange(w, dtype=torch.float64) / w)
        y = wt.clamp(max=1) * x1 + (1 - wt).clamp(min=0) * x2
        return dict(y=y, share=wt.clamp(max=1).mean()[None])
    return run(d, "horizontal_mixup", dict(a=a, b=b, c=cc), i, f, (), 1e-5)


# ---------------------------------------------------------------- blocks
def se_basic_block(d):
    n, c, h, w, stride, r = d.pick(2, 3), d.pick(16, 32), d.pick(8, 9), d.pick(8, 12), d.pick(1, 2), 16
    o = c if stride == 1 else 2 * c
    i = dict(x=d.normal(n, c, h, w))
    i["conv1.weight"], i["conv2.weight"] = d.normal(o, c, 3, 3, scale=.08), d.normal(o, o, 3, 3, scale=.06)
    for k in ("bn1", "bn2"):
        i[k + ".weight"], i[k + ".bias"] = d.normal(o, shift=1, scale=.2), d.normal(o, scale=.2)
    i["se.fc1.weight"], i["se.fc2.weight"] = d.normal(o // r, o, scale=.3), d.normal(o, o // r, scale=.3)
    if stride == 2:
        i["downsample.0.weight"] = d.normal(o, c, 1, 1, scale=.2)
        i["downsample.1.weight"], i["downsample.1.bias"] = d.normal(o, shift=1, scale=.2), d.normal(o, scale=.2)

    def f(x, **p):
        bn = lambda v, k: F.batch_norm(v, None, None, p[k + ".weight"], p[k + ".bias"], True, .1, 1e-5)
        u = torch.relu(bn(F.conv2d(x, p["conv1.weight"], None, stride, 1), "bn1"))
        u = bn(F.conv2d(u, p["conv2.weight"], None, 1, 1), "bn2")
        s = torch.sigmoid(torch.relu(u.mean((2, 3)) @ p["se.fc1.weight"].T) @ p["se.fc2.weight"].T)
        sc = x if stride == 1 else bn(F.conv2d(x, p["downsample.0.weight"], None, 2), "downsample.1")
        return torch.relu(u * s[:, :, None, None] + sc)
    return run(d, "se_basic_block", dict(stride=stride, reduction=r, eps=1e-5, training=True), i, f, tuple(i), 5e-4)


def transformer_encoder_layer(d):
    b, t, e, h, ff, pre = d.pick(1, 2), d.pick(5, 8, 64), 64, 8, 128, d.pick(True, False)
    m = torch.nn.TransformerEncoderLayer(e, h, ff, 0.0, batch_first=True, norm_first=pre).double()
    i = dict(x=d.normal(b, t, e))
    for k, p in m.named_parameters():
        i[k] = d.normal(*p.shape, scale=1 / math.sqrt(e)) + (1 if "norm" in k and "weight" in k else 0)
    return run(d, "transformer_encoder_layer", dict(heads=h, norm_first=pre, activation="relu", eps=1e-5), i,
               lambda x, **w: torch.func.functional_call(m, w, (x,)), tuple(i), 5e-4)


OPS = dict(
    conv2d=conv2d, conv1d=conv1d, linear=linear, matmul=matmul, batch_norm_train=batch_norm_train, batch_norm_eval=batch_norm_eval,
    layer_norm=layer_norm, relu=unary("relu", torch.relu), gelu=unary("gelu", F.gelu), sigmoid=unary("sigmoid", torch.sigmoid),
    tanh=unary("tanh", torch.tanh), add=add, mul=mul, channel_scale=channel_scale, concat=concat, slice=slice_, permute=permute,
    sum=reduce("sum", lambda x, dim: x.sum(dim)), mean=reduce("mean", lambda x, dim: x.mean(dim)), softmax=softmax,
    max_pool2d=max_pool2d, avg_pool2d=avg_pool2d, global_avg_pool=global_avg_pool, attention=attention, lstm=lstm,
    masked_softmax=masked_softmax, time_mask=time_mask, time_pool=time_pool,
    squash=squash, length=length, capsule_routing=capsule_routing, lrn=lrn, margin=margin,
    cross_entropy=cross_entropy, focal_bce=focal_bce, bce_with_logits=bce_with_logits,
    attention_decoder=attention_decoder, squared_hinge=squared_hinge, rbf=rbf, votes=votes,
    kl_distillation=kl_distil,
    adamw=optimiser("adamw", lambda p: torch.optim.AdamW([p], 1e-2, (.9, .999), 1e-8, .05), dict(lr=1e-2, betas=[.9, .999], eps=1e-8, weight_decay=.05, steps=3)),
    sgd=optimiser("sgd", lambda p: torch.optim.SGD([p], 1e-2, .9, weight_decay=5e-4), dict(lr=1e-2, momentum=.9, weight_decay=5e-4, steps=3)),
    rmsprop=optimiser("rmsprop", lambda p: torch.optim.RMSprop([p], 1e-3, .9), dict(lr=1e-3, alpha=.9, eps=1e-8, steps=3)),
    pre_emphasis=pre_emphasis, stft=stft, mel_spectrogram=mel_spectrogram, mfcc=mfcc, moments=moments, dft=dft, short_term=short_term,
    resize=resize, horizontal_mixup=horizontal_mixup,
    se_basic_block=se_basic_block, transformer_encoder_layer=transformer_encoder_layer,
)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--per-op", type=int, default=4)
    ap.add_argument("--only", nargs="*", default=None)
    ap.add_argument("--out", default="cases")
    a = ap.parse_args()
    os.makedirs(a.out, exist_ok=True)
    n = 0
    for name, case in OPS.items():
        if a.only and name not in a.only:
            continue
        for k in range(a.per_op):
            tensors, meta = case(Draw([a.seed, zlib.crc32(name.encode()), k]))
            assert all(torch.isfinite(t).all() for t in tensors.values() if t.is_floating_point()), name
            save_file(tensors, os.path.join(a.out, f"{name}__{k:02d}.safetensors"), {"case": json.dumps(meta)})
            n += 1
    print(f"{n} cases in {a.out}")


if __name__ == "__main__":
    main()
