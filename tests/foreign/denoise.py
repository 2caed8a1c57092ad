"""Denoises pictures with a small U-Net."""

import json
import os
from pathlib import Path

import numpy as np

DEVICE = "cuda"
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Conv:
    def __init__(self, cin, cout, k=3, bias=True, act=None):
        self.w = np.random.randn(cout, cin, k, k) * (2 / (cin * k * k)) ** 0.5
        self.b = np.zeros(cout) if bias else None
        self.act = act

    def __call__(self, x):
        n, c, h, w = x.shape
        k = self.w.shape[-1]
        p = np.pad(x, ((0, 0), (0, 0), (k // 2, k // 2), (k // 2, k // 2)))
        y = np.zeros((n, self.w.shape[0], h, w))
        for i in range(k):
            for j in range(k):
                y += np.einsum("nchw,oc->nohw", p[:, :, i : i + h, j : j + w], self.w[:, :, i, j])
        if self.b is not None:
            y = y + self.b[None, :, None, None]
        return self.act(y) if self.act else y


class UNet:
    def __init__(self, ch=16, depth=3, cfg={}):
        self.cfg = cfg
        chs = [3] + [ch * 2**i for i in range(depth)]
        self.down = [Conv(a, b, act=relu) for a, b in zip(chs[:-1], chs[1:])]
        self.up = [Conv(b, a, act=relu) for a, b in zip(chs[:-1], chs[1:])][::-1]
        self.step = 0

    def forward(self, x, mask=None):
        skips = []
        for conv in self.down:
            x = conv(x)
            skips.append(x)
            x = x[:, :, ::2, ::2]
        for conv, skip in zip(self.up, skips[::-1]):
            x = x.repeat(2, 2).repeat(2, 3)[:, :, : skip.shape[2], : skip.shape[3]]
            x = conv(x + skip)
        return x if mask is None else x * mask[:, None]

    def load(self, path):
        try:
            state = np.load(path)
        except:
            return False
        for conv, k in zip(self.down + self.up, state.files):
            conv.w = state[k]
        self.step = int(state["step"])
        return True


def relu(x):
    return np.maximum(x, 0)


def predict(img, model=None, ckpt="weights.npz", tta=False):
    model = model or UNet()
    if Path(ckpt).exists():
        model.load(ckpt)
    x = np.asarray(img, dtype=np.float32)[..., :3] / 255
    x = ((x - MEAN) / STD).transpose(2, 0, 1)[None]
    y = model.forward(x)
    if tta:
        y = (y + model.forward(x[..., ::-1])[..., ::-1]) / 2
    y = y[0].transpose(1, 2, 0) * STD + MEAN
    return (y.clip(0, 1) * 255).astype(np.uint8), json.dumps({"device": device, "step": model.step})
