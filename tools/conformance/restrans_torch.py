#!/usr/bin/env python3
"""Res-Trans in PyTorch: the executable definition of the network, its parameter names, and the speed baseline of `compare_torch`.

    python restrans_torch.py params                          # every parameter name and shape
    python restrans_torch.py init --out w.safetensors        # random weights under those names
    python restrans_torch.py images --batch 2 --out x.safetensors
    python restrans_torch.py forward --weights w.safetensors --images x.safetensors --out theirs.safetensors
    cargo run --release --example parity -- --weights w.safetensors --inputs x.safetensors --set model.ln=standard --out ours.safetensors
    python restrans_torch.py compare theirs.safetensors ours.safetensors
    python restrans_torch.py bench --stage emotion --batch 16 --size 128 --width 32 --depth 2 --steps 10

`forward` reads a tensor `images` (B, C, H, W) and writes `features`, `emotion.logits`, `speaker.logits`; sizes other than the defaults go
to every command alike (`--width 8` here is `--set model.width=8` there). `bench` times whole training steps (forward, loss, backward, AdamW) and whole inference batches.
Needs torch 2.15 and safetensors or later ones.
"""
import argparse, time
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors.torch import load_file, save_file


class SqueezeExcite(nn.Module):
    """Channel attention, Hu et al. 2018: u * sigmoid(W2 relu(W1 mean(u))), no biases."""

    def __init__(self, c, reduction):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(c, c // reduction, bias=False), nn.Linear(c // reduction, c, bias=False)

    def forward(self, u):
        s = torch.sigmoid(self.fc2(F.relu(self.fc1(u.mean((2, 3))))))
        return u * s[:, :, None, None]


class BasicBlock(nn.Module):
    """ResNet basic block, He et al. 2016, with squeeze-excitation before the addition."""

    def __init__(self, cin, c, stride, reduction):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(cin, c, 3, stride, 1, bias=False), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c)
        self.se = SqueezeExcite(c, reduction) if reduction else nn.Identity()
        self.downsample = None
        if stride != 1 or cin != c:
            self.downsample = nn.Sequential(nn.Conv2d(cin, c, 1, stride, bias=False), nn.BatchNorm2d(c))

    def forward(self, x):
        u = F.relu(self.bn1(self.conv1(x)))
        u = self.se(self.bn2(self.conv2(u)))
        return F.relu(u + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """torchvision's ResNet-18 trunk (same parameter names), optional SE: (B, C, H, W) -> (B, 8*width, H/32, W/32)."""

    def __init__(self, in_channels=1, width=64, reduction=16):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(in_channels, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        cin = width
        for k in range(4):
            c = width << k
            setattr(self, f"layer{k + 1}", nn.Sequential(BasicBlock(cin, c, 1 if k == 0 else 2, reduction), BasicBlock(c, c, 1, reduction)))
            cin = c

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


def tokens(maps, kind):
    """(B, C, H, W) maps as a token sequence (B, T, D).

    channel: T = C*H*W/D groups of whole channels, a plain view (the released code; D = C)
    spatial: T = H*W positions of C channels
    time:    T = W columns, mean over frequency
    """
    b, c, h, w = maps.shape
    if kind == "channel":
        return maps.reshape(b, c * h * w // c, c)
    if kind == "spatial":
        return maps.flatten(2).transpose(1, 2)
    if kind == "time":
        return maps.mean(2).transpose(1, 2)
    raise ValueError(f"unknown token kind {kind!r}")


class ResTrans(nn.Module):
    def __init__(self, classes=4, speakers=10, in_channels=1, size=256, width=64, reduction=16, token="channel", depth=6, heads=8, ff=None, dropout=0.1):
        super().__init__()
        d, side = 8 * width, size // 32
        self.token = token
        self.cnn = ResNet18(in_channels, width, reduction)
        layer = nn.TransformerEncoderLayer(d, heads, ff or 4 * d, dropout, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, nn.LayerNorm(d), enable_nested_tensor=False)
        t = side if token == "time" else side * side
        self.head = nn.Linear(t * d, classes)
        self.voiceprint = nn.Linear(d * side * side, speakers)

    def forward(self, x):
        f = self.cnn(x)
        z = self.encoder(tokens(f, self.token))
        return {"features": f, "emotion.logits": self.head(z.flatten(1)), "speaker.logits": self.voiceprint(f.flatten(1))}

    def speaker(self, x):
        return self.voiceprint(self.cnn(x).flatten(1))

    def emotion(self, x):
        return self.head(self.encoder(tokens(self.cnn(x), self.token)).flatten(1))


def build(a):
    torch.manual_seed(a.seed)
    return ResTrans(a.classes, a.speakers, a.channels, a.size, a.width, a.reduction, a.token, a.depth, a.heads)


def bench(a):
    dev = torch.device(a.device)
    m = build(a).to(dev)
    x = torch.randn(a.batch, a.channels, a.size, a.size, device=dev)
    if a.channels_last:
        m, x = m.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    speaker = a.stage == "voiceprint"
    y = torch.randint(0, a.speakers if speaker else a.classes, (a.batch,), device=dev)
    if a.stage == "emotion":  # frozen CNN in eval mode
        m.cnn.requires_grad_(False)
    params = [p for p in m.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(params, 1e-4, weight_decay=.05, foreach=True)
    sync = (lambda: torch.cuda.synchronize()) if dev.type == "cuda" else (lambda: None)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = a.tf32
    amp = torch.autocast(dev.type, torch.float16 if dev.type == "cuda" else torch.bfloat16, enabled=a.amp)

    def train():
        m.train()
        if a.stage == "emotion":
            m.cnn.eval()
        opt.zero_grad(set_to_none=True)
        with amp:
            loss = F.cross_entropy(m.speaker(x) if speaker else m.emotion(x), y)
        loss.backward()
        opt.step()

    def infer():
        m.eval()
        with torch.no_grad(), amp:
            m.emotion(x)
    for name, step in (("train", train), ("infer", infer)):
        for _ in range(a.warmup):
            step()
        sync()
        times = []
        for _ in range(a.steps):
            t = time.perf_counter()
            step()
            sync()
            times.append(time.perf_counter() - t)
        t = sorted(times)[len(times) // 2]
        print(f"torch {torch.__version__} {a.device} {name} stage={a.stage} batch={a.batch} size={a.size} width={a.width} amp={a.amp} tf32={a.tf32}: "
              f"{t * 1e3:.2f} ms/step, {a.batch / t:.1f} clips/s", flush=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("what", choices=["params", "init", "images", "forward", "compare", "bench"])
    ap.add_argument("files", nargs="*", help="for compare")
    for k, v in dict(classes=4, speakers=10, channels=1, size=256, width=64, reduction=16, depth=6, heads=8, seed=0, batch=16, steps=10, warmup=2).items():
        ap.add_argument(f"--{k}", type=int, default=v)
    ap.add_argument("--token", default="channel", choices=["channel", "spatial", "time"])
    ap.add_argument("--stage", default="end_to_end", choices=["voiceprint", "emotion", "end_to_end"])
    ap.add_argument("--device", default="cpu")
    ap.add_argument("--amp", action="store_true")
    ap.add_argument("--tf32", action="store_true", help="let CUDA round the factors of f32 products to 10 bits of mantissa")
    ap.add_argument("--channels-last", action="store_true")
    ap.add_argument("--weights")
    ap.add_argument("--images")
    ap.add_argument("--out")
    a = ap.parse_args()
    if a.what == "bench":
        return bench(a)
    if a.what == "images":
        torch.manual_seed(a.seed)
        return save_file({"images": torch.randn(a.batch, a.channels, a.size, a.size)}, a.out)
    if a.what == "compare":
        theirs, ours = map(load_file, a.files)
        for k, v in theirs.items():
            print(f"{k:20s} {((ours[k].flatten() - v.flatten()).abs().max() / v.abs().max()).item():.1e} of the largest value")
        return
    m = build(a)
    if a.what == "params":
        for k, v in m.state_dict().items():
            print(f"{k:60s} {tuple(v.shape)}")
        print(f"{sum(p.numel() for p in m.parameters()):,} parameters")
    elif a.what == "init":
        save_file({k: v for k, v in m.state_dict().items() if v.is_floating_point()}, a.out)
    else:
        missing = m.load_state_dict(load_file(a.weights), strict=False)
        assert not missing.unexpected_keys and all("num_batches_tracked" in k for k in missing.missing_keys), missing
        with torch.no_grad():
            y = m.eval().double()(load_file(a.images)["images"].double())
        save_file({k: v.float().contiguous() for k, v in y.items()}, a.out)


if __name__ == "__main__":
    main()
