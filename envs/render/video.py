"""Writes pictures and films. A file appears under its name only when it is complete."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import imageio_ffmpeg
import numpy as np

from swarm.array_types import UInt8s
from swarm.errors import InputError


def write_video(path: str | Path, frames: Iterable[UInt8s], fps: float) -> int:
    """Writes an H.264 film (mp4) that every browser plays.

    Args:
        path: The file.
        frames: ``uint8[height, width, 3]`` each, all of one size; odd sizes are made even in white.
        fps: Frames a second.

    Returns:
        How many frames were written.

    Raises:
        InputError: No frame, a frame of another shape, or a film that cannot be written.
    """
    even = "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white"
    codec = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    return _encode(path, frames, fps, ["-vf", even, *codec, "-movflags", "+faststart", "-f", "mp4"])


def write_gif(path: str | Path, frames: Iterable[UInt8s], fps: float, pixels: int = 640) -> int:
    """Writes a small looping GIF: one palette of 64 colours, only what changes is stored.

    Args:
        path: The file.
        frames: ``uint8[height, width, 3]`` each, all of one size.
        fps: Frames a second.
        pixels: Width of the GIF; the height follows.

    Returns:
        How many frames were written.

    Raises:
        InputError: No frame, a frame of another shape, or a GIF that cannot be written.
    """
    palette = "split[a][b];[a]palettegen=max_colors=64:stats_mode=full[p];[b][p]paletteuse=dither=none"
    filters = f"scale={pixels}:-1:flags=area,{palette}:diff_mode=rectangle"
    return _encode(path, frames, fps, ["-vf", filters, "-loop", "0", "-f", "gif"])


def write_png(path: str | Path, image: UInt8s) -> None:
    """Writes one image (``uint8[height, width, 3]``) as PNG.

    Raises:
        InputError: Not an image, or a file that cannot be written.
    """
    _encode(path, [image], 1.0, ["-frames:v", "1", "-c:v", "png", "-f", "image2pipe"])


@contextlib.contextmanager
def _complete_or_absent(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` that takes its name at the end, unless something went wrong."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise InputError(str(path), str(error), "a file in a folder that can be written") from error
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _encode(path: str | Path, frames: Iterable[UInt8s], fps: float, arguments: list[str]) -> int:
    """Feeds frames to ffmpeg as they come; returns how many."""
    if not 0.0 < fps < 1000.0:
        raise InputError("fps", fps, "a number above 0 and below 1000")
    source = iter(frames)
    first = next(source, None)
    if first is None:
        raise InputError("frames", [], "at least one frame")
    shape = np.shape(first)
    if len(shape) != 3 or shape[2] != 3 or min(shape) == 0:
        raise InputError("frames[0]", shape, "an image of shape [height, width, 3]")
    with _complete_or_absent(Path(path)) as temporary, tempfile.TemporaryFile() as messages:
        size = f"{shape[1]}x{shape[0]}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-hide_banner", "-loglevel", "error"]
        command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", f"{fps:g}", "-i", "pipe:0"]
        encoder = subprocess.Popen(
            [*command, *arguments, str(temporary)], stdin=subprocess.PIPE, stdout=messages, stderr=messages,
            start_new_session=True,  # Ctrl-C is for this process, which still has a film to finish.
        )  # fmt: skip
        try:
            count = _feed(encoder, chain([first], source), shape)
            failed = encoder.wait() != 0
        finally:
            # An error in the frames' own code must not leave an encoder behind.
            if encoder.poll() is None:
                encoder.kill()
                encoder.wait()
        if failed:
            messages.seek(0)
            reason = messages.read().decode(errors="replace").strip()
            raise InputError(str(path), reason, "frames that ffmpeg can encode, and room on the disk")
    return count


def _feed(encoder: subprocess.Popen[bytes], frames: Iterable[UInt8s], shape: tuple[int, ...]) -> int:
    """Writes every frame to the encoder and closes its input."""
    count = 0
    pipe = encoder.stdin
    if pipe is None:
        return count
    # If the encoder gives up, its own message is the better one.
    with contextlib.suppress(BrokenPipeError), pipe:
        for frame in frames:
            if np.shape(frame) != shape:
                raise InputError(f"frames[{count}]", np.shape(frame), f"the first frame's shape {shape}")
            pipe.write(np.ascontiguousarray(frame, dtype=np.uint8).data)
            count += 1
    return count
