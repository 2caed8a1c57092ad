"""Files for the pages: tones, gradients, a film, a body, a table. Everything is made here; nothing is loaded."""

import math
import struct
import subprocess
import wave
from pathlib import Path

from PIL import Image

RATE = 16_000
BODY = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 1 3 4\nf 2 3 4\n"


def make(folder: Path) -> Path:
    """Fill a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, pitch in (("tone.wav", 440), ("other.wav", 660)):
        tone(folder / name, pitch)
    for name, shift in (("picture.png", 0), ("other.png", 120)):
        gradient(folder / name, shift)
    film(folder / "film.mp4", "-pix_fmt", "yuv420p", "-c:v", "libx264")
    film(folder / "piece.ts", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-f", "mpegts")
    sound = ["ffmpeg", "-y", "-loglevel", "error", "-i", str(folder / "tone.wav"), str(folder / "tone.mp3")]
    subprocess.run(sound, check=True, timeout=60, stdin=subprocess.DEVNULL)
    texts = {
        "body.obj": BODY,
        "table.csv": "name,age\nAda,36\nBo,41\n",
        "note.txt": "one line\n",
        "style.css": "#styled { color: rgb(1, 2, 3) }\n",
        "head.html": '<meta name="from-a-file" content="yes">\n',
        "public/shared.txt": "for everybody\n",
        "subtitles.vtt": "WEBVTT\n\n00:00.000 --> 00:01.000\nA gradient\n",
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def tone(path: Path, pitch: int) -> None:
    """Write one second of a sine."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        values = (int(20_000 * math.sin(2 * math.pi * pitch * n / RATE)) for n in range(RATE))
        file.writeframes(b"".join(struct.pack("<h", value) for value in values))


def gradient(path: Path, shift: int) -> None:
    """Write a small picture."""
    picture = Image.new("RGB", (64, 48))
    picture.putdata([(4 * x % 256, 5 * y % 256, shift) for y in range(48) for x in range(64)])
    picture.save(path)


def film(path: Path, *options: str) -> None:
    """Write one second of moving gradients."""
    source = ["-f", "lavfi", "-i", "testsrc=duration=1:size=64x48:rate=10"]
    command = ["ffmpeg", "-y", "-loglevel", "error", *source, *options, str(path)]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
