"""Frames to a film: RGBA pixels into the ffmpeg that imageio-ffmpeg brings, MP4, WebM or GIF out."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from mtm.errors import InputError, choose_from

# 4:2:0 halves the sides; colours as high-definition video has them, and said so, or players show others
VIDEO = ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"]
VIDEO += ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
CODECS = {
    "mp4": ["-c:v", "libx264", "-preset", "veryfast", "-crf", "16", *VIDEO, "-movflags", "+faststart", "-f", "mp4"],
    "webm": ["-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0", "-deadline", "realtime", "-cpu-used", "6", "-row-mt", "1",
             *VIDEO, "-f", "webm"],
    # without loss, for the two passes of the palette
    "gif": ["-c:v", "libx264rgb", "-preset", "ultrafast", "-qp", "0", "-f", "matroska"],
}  # fmt: skip
PALETTE = "palettegen=stats_mode=full"
PAINT = "[0][1]paletteuse=dither=none:diff_mode=rectangle"


class FilmError(Exception):
    """The film could not be made to its end; the message is a sentence for the user."""


class Encoder:
    """An encoder that writes frames of one size to `path`; after an error the file there is not a film."""

    def __init__(self, path: Path, kind: str, width: int, height: int, fps: float) -> None:
        """Raises InputError for a kind that it does not know and a size that the kind cannot have."""
        if kind not in CODECS:
            raise choose_from("kind of film", kind, CODECS)
        check_even(kind, width, height)
        self.path, self.kind, self.bytes = path, kind, width * height * 4
        self.folder = tempfile.TemporaryDirectory(prefix="moving-targets-")
        self.lossless = Path(self.folder.name) / "frames.mkv"
        raw = ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{width}x{height}", "-framerate", f"{fps:g}", "-i", "-"]
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the encoder
        self.process = subprocess.Popen(
            [*_ffmpeg(), *raw, *CODECS[kind], str(self.lossless if kind == "gif" else path)],
            stdin=subprocess.PIPE,
            stderr=self.log,
            start_new_session=True,  # Ctrl-C is ours: we end it
        )

    def __enter__(self) -> Encoder:
        return self

    def write(self, frame: bytes) -> None:
        """One frame, RGBA row by row. Raises FilmError if it is of another size or the encoder has ended."""
        assert self.process.stdin is not None
        if len(frame) != self.bytes:
            raise FilmError(f"a frame has {len(frame):,} bytes instead of {self.bytes:,}")
        try:
            self.process.stdin.write(frame)
        except OSError:
            raise FilmError(f"the encoder ended: {self._reason()}") from None

    def finish(self) -> None:
        """Write the rest of the film. Raises FilmError if the encoder fails."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        if self.process.wait():
            raise FilmError(f"the encoder failed: {self._reason()}")
        if self.kind == "gif":
            palette = Path(self.folder.name) / "palette.png"
            source = ["-i", str(self.lossless)]
            self._pass([*source, "-vf", PALETTE, "-frames:v", "1", str(palette)])
            self._pass([*source, "-i", str(palette), "-lavfi", PAINT, "-f", "gif", str(self.path)])

    def __exit__(self, kind: type | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        if self.process.stdin:
            with contextlib.suppress(OSError):  # frames that the encoder has not read are dropped
                self.process.stdin.close()
        self.process.wait()
        self.log.close()
        self.folder.cleanup()

    def _pass(self, arguments: list[str]) -> None:
        result = subprocess.run([*_ffmpeg(), *arguments], capture_output=True, text=True, check=False)
        if result.returncode:
            raise FilmError(f"the encoder failed: {_last_line(result.stderr)}")

    def _reason(self) -> str:
        self.log.seek(0)
        return _last_line(self.log.read().decode(errors="replace"))


def check_even(kind: str, width: int, height: int) -> None:
    """Raises InputError for a size that a kind of film cannot have: colours have half as many pixels a side."""
    if kind != "gif" and (width % 2 or height % 2):
        raise InputError(f"--width {width} --height {height}: {kind} needs even numbers of pixels")


def _ffmpeg() -> list[str]:
    from imageio_ffmpeg import get_ffmpeg_exe  # only here: figures and tables do not need it

    return [get_ffmpeg_exe(), "-hide_banner", "-loglevel", "error", "-y"]


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["it gave no reason"])[-1]
