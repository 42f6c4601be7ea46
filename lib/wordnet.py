"""WordNet for nltk's METEOR: found, or built from Debian's files, or downloaded once; never required."""

import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

DEBIAN = Path("/usr/share/wordnet")
DOWNLOAD_SECONDS = 20
PARTS = ("adj", "adv", "noun", "verb")
LEXNAMES = Path(__file__).with_name("lexnames.txt")  # of WordNet, which Debian has as a manual page only


def provide(folder: Path) -> str:
    """Make WordNet readable by nltk if that can be done, and say in one line how it stands."""
    for source in (from_debian, from_download):
        if available():
            break
        source(folder)
    return verdict()


def verdict() -> str:
    """How it stands, in one line, with nothing changed."""
    if available():
        return "WordNet found: METEOR is complete"
    return (
        "WordNet not found: METEOR is reported without synonyms, as meteor_no_wordnet "
        "(Debian: apt install wordnet-base wordnet-sense-index, then bash prepare.sh --check)"
    )


def available() -> bool:
    """Whether a word can really be looked up."""
    try:
        found = open_reader().synsets("garment")
    except Exception:  # half a WordNet raises nearly anything, or has None for a synset
        return False
    return bool(found) and all(found)


def open_reader() -> "WordNetCorpusReader":
    """nltk's WordNet, open in a quarter of the time that nltk takes. LookupError where there is none."""
    import nltk
    from nltk.corpus.reader.wordnet import WordNetCorpusReader
    from nltk.data import FileSystemPathPointer

    class English(WordNetCorpusReader):
        def open(self, file):
            if not isinstance(self.root, FileSystemPathPointer):  # but inside an archive
                return super().open(file)
            return Path(self.abspath(file)).open(encoding=self.encoding(file))

        def map_wn(self, version="wordnet"):
            """From these synsets to another version's, which other languages would need."""

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The multilingual functions")
        return English(nltk.data.find("corpora/wordnet/"), None)


def from_debian(folder: Path, source: Path = DEBIAN) -> bool:
    """Lay Debian's database files out as nltk's reader expects them."""
    target = folder / "corpora" / "wordnet"
    files = [name for part in PARTS for name in (f"index.{part}", f"data.{part}", f"{part}.exc")]
    if not all((source / name).is_file() for name in [*files, "index.sense"]):
        return False
    shutil.copytree(source, target, copy_function=shutil.copyfile, dirs_exist_ok=True)
    shutil.copyfile(LEXNAMES, target / "lexnames")
    return True


def from_download(folder: Path) -> bool:
    """nltk's own download, in a process that cannot hang longer than the limit."""
    call = f"import nltk; raise SystemExit(not nltk.download('wordnet', download_dir={str(folder)!r}))"
    try:
        answer = subprocess.run([sys.executable, "-c", call], capture_output=True, timeout=DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return answer.returncode == 0
