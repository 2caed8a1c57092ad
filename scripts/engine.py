"""Build and run a project's image where no registry of images can be reached: on a base made from Debian packages."""

import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

BASE, UV = "localhost/debian-python", "localhost/uv"
PACKAGES = "ca-certificates,python3"
NEEDED = ("podman", "buildah", "runc", "mmdebstrap", "uv")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# crun and the ulimits of the default configuration ask for more than a container of a CI service gives.
CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
BASE_FILE = """\
FROM scratch
ADD root.tar /
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
ENV PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
"""
UV_FILE = "FROM scratch\nCOPY uv /uv\n"


class Engine:
    """podman, with the two base images that a project's Dockerfile starts from."""

    def __init__(self, folder: Path) -> None:
        """Make the base images unless they are there.

        Raises:
            RuntimeError: if a program is missing.

        """
        missing = [name for name in NEEDED if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
        if missing:
            raise RuntimeError(f"install, of Debian: apt-get install {' '.join(missing)}")
        configuration = folder / "containers.conf"
        configuration.write_text(CONFIGURATION, encoding="utf-8")
        self.environment = os.environ | {"CONTAINERS_CONF": str(configuration)}
        if not self.has(BASE):
            self.make_base()
        if not self.has(UV):
            self.make_uv()

    def __call__(self, *arguments: str | Path, check: bool = True) -> str:
        """Run podman, and give what it prints.

        Raises:
            RuntimeError: with what it printed, if it fails.

        """
        return self.run("podman", *arguments, check=check)

    def run(self, *command: str | Path, check: bool = True) -> str:
        """Run a program of the engine."""
        done = subprocess.run(  # noqa: S603 (fixed programs)
            [str(part) for part in command],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}:\n{done.stdout[-6000:]}")
        return done.stdout

    def has(self, image: str) -> bool:
        """Tell whether an image is there."""
        return bool(self("images", "-q", image).strip())

    def make_base(self) -> None:
        """Put Debian's own packages into an image: Python, certificates, a shell."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
            self.run("mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", suite, folder / "root.tar")
            # Where the network has certificates of its own, what is built needs them too.
            shutil.copy(CERTIFICATES, folder)
            self.make_image(folder, BASE, BASE_FILE)

    def make_uv(self) -> None:
        """Put the uv of this machine into an image."""
        with tempfile.TemporaryDirectory() as scratch:
            found = self.run(
                "uv", "run", "--no-project", "--with", "uv", "python", "-c", "import uv; print(uv.find_uv_bin())"
            )
            shutil.copy(found.splitlines()[-1], Path(scratch, "uv"))
            self.make_image(Path(scratch), UV, UV_FILE)

    def make_image(self, folder: Path, name: str, text: str) -> None:
        """Build a base image."""
        (folder / "Containerfile").write_text(text, encoding="utf-8")
        self.run("buildah", "bud", "--isolation", "chroot", "-t", name, folder)

    def build(self, project: Path, name: str, file: str = "Dockerfile") -> str:
        """Build a project's image, and give what the engine printed.

        Raises:
            RuntimeError: with what it printed, if it fails.

        """
        bases = ["--build-arg", f"BASE_IMAGE={BASE}", "--build-arg", f"UV_IMAGE={UV}"]
        # Only the format of docker knows health checks.
        options = ["--format", "docker", "--pull=never", "--network", "host", "-f", project / file]
        return self("build", *options, *bases, "-t", name, project)

    def size(self, image: str) -> float:
        """Give the size of an image in MB."""
        return int(self("image", "inspect", "-f", "{{.Size}}", image)) / 1_000_000
