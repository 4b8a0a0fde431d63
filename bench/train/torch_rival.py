# SPDX-License-Identifier: MIT
"""Times one training step of the shapes in bench/train/trainer.cpp in PyTorch, written as its
users would write it: fused attention where there is one, AdamW, F32. Debian: python3-torch."""
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

SHAPES = {  # name: width, layers, heads, key heads, feed-forward, vocabulary, context, documents
    "0.26M": (64, 5, 8, 4, 172, 512, 128, 32),
    "1M": (128, 4, 4, 2, 352, 2048, 256, 32),
    "5M": (256, 6, 8, 4, 704, 4096, 256, 32),
    "15M": (384, 6, 6, 6, 1024, 4096, 256, 32),
}


class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight


def rotate(x, cos, sin):
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, dim, heads, kv_heads, ffn):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = heads, kv_heads, dim // heads
        linear = lambda i, o: nn.Linear(i, o, bias=False)
        self.q, self.o = linear(dim, dim), linear(dim, dim)
        self.k, self.v = (linear(dim, kv_heads * self.head_dim) for _ in range(2))
        self.gate, self.up, self.down = linear(dim, ffn), linear(dim, ffn), linear(ffn, dim)
        self.norm1, self.norm2 = Norm(dim), Norm(dim)

    def attend(self, q, k, v, mask):
        if hasattr(F, "scaled_dot_product_attention"):
            return F.scaled_dot_product_attention(q, k, v, is_causal=True)
        scores = q @ k.transpose(-1, -2) * self.head_dim**-0.5 + mask
        return torch.softmax(scores, -1) @ v

    def forward(self, x, cos, sin, mask):
        b, t, _ = x.shape
        h = self.norm1(x)
        split = lambda y, n: y.view(b, t, n, self.head_dim).transpose(1, 2)
        q, k = rotate(split(self.q(h), self.heads), cos, sin), split(self.k(h), self.kv_heads)
        k, v = rotate(k, cos, sin), split(self.v(h), self.kv_heads)
        group = self.heads // self.kv_heads
        k, v = (y.repeat_interleave(group, 1) for y in (k, v))
        x = x + self.o(self.attend(q, k, v, mask).transpose(1, 2).reshape(b, t, -1))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self, dim, layers, heads, kv_heads, ffn, vocab, context):
        super().__init__()
        self.embedding = nn.Embedding(vocab, dim)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.blocks = nn.ModuleList(Block(dim, heads, kv_heads, ffn) for _ in range(layers))
        self.norm = Norm(dim)
        pairs = dim // heads // 2
        angles = torch.outer(torch.arange(context), 10000.0 ** (-torch.arange(pairs) / pairs))
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((context, context), float("-inf")).triu(1)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos, self.sin, self.mask)
        return self.norm(x) @ self.embedding.weight.T


def tokens_per_second(shape, threads, seconds=3.0):
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    *model_shape, documents = shape
    vocab, context = model_shape[-2], model_shape[-1]
    model = Model(*model_shape)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95))
    text = torch.randint(vocab, (documents, context + 1))
    best, began = 0.0, time.perf_counter()
    while time.perf_counter() - began < seconds or best == 0.0:
        start = time.perf_counter()
        logits = model(text[:, :-1])
        F.cross_entropy(logits.reshape(-1, vocab), text[:, 1:].reshape(-1)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        best = max(best, documents * context / (time.perf_counter() - start))
    return best


if __name__ == "__main__":
    print(f"PyTorch {torch.__version__}, best step of each run")
    names = sys.argv[1:] or SHAPES
    for name in names:
        for threads in (1, 2):
            print(f"train_step/{name}/torch/{threads}  {tokens_per_second(SHAPES[name], threads):.0f} tokens/s")
