#!/usr/bin/env bash
# Makes Lookbook's environment once, then runs the command it is given in it.
set -euo pipefail

usage() {
  cat <<'EOF'
usage: bash prepare.sh [--check] [--lavis] [--photos] [--qdrant] [--demo] [--site] [command ...]

Makes .venv from the exact pins in requirements.txt (once), then runs the command in it:
  bash prepare.sh python run_all.py      set up and run every notebook
  bash prepare.sh pytest                 set up and pass the tests
  bash prepare.sh jupyter lab            set up and open the course
  bash prepare.sh --check                make all checks again: Python, disk, torch, CUDA, WordNet
  bash prepare.sh --lavis                also build the layer of salesforce-lavis (.venv.lavis, 0.5 GB), which
                                         one backend of notebook 04 can use; needs Python 3.11
  bash prepare.sh --photos               also fetch an eye for photographs and a reader of sentences (weights,
                                         115 MB), which the profile flickr8k sees and reads with
  bash prepare.sh --qdrant               also fetch Qdrant's client, which can keep an index of pictures
  bash prepare.sh --demo                 also fetch Gradio, for the page of `python -m course demo`
  bash prepare.sh --site                 also fetch MyST-NB and Sphinx, for the book of `python -m course site`

An active virtual or conda environment is used as it is if it satisfies the pins; nothing is ever
installed into it. PYTHON=/path/to/python chooses the interpreter (3.11 to 3.13) that .venv is made with.
EOF
}

say() { printf 'prepare: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv="$root/.venv"
building="$venv/.lookbook-building" # there while a set-up is under way, or was interrupted
ready="$venv/.lookbook-ready"       # written last: what was installed, from which pins, for which folder

# What the environment must have been made from; a change here, or a moved checkout, makes it anew.
wanted_stamp() {
  {
    printf '%s\n' "$root"
    cat "$root"/requirements.txt "$root"/requirements-lock.txt
    grep '^packages' "$root"/pyproject.toml # the houses that notebooks can import
  } | cksum
}

satisfied() { (cd "$root" && "$1" -m lib.environment pins "${2:-requirements.txt}") >/dev/null 2>&1; }

# An interpreter that runs, is new enough and not too new. A pyenv shim exists without running, so each is tried.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
    if "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  stop "no Python 3.11, 3.12 or 3.13 found${PYTHON:+ at $PYTHON}: install one, or name it with PYTHON=/path/to/python"
}

make_environment() {
  local python=$1
  rm -rf "$venv"
  say "making .venv with $("$python" --version 2>&1); the first time downloads about 3 GB"
  mkdir -p "$venv" && touch "$building"
  if command -v uv >/dev/null 2>&1; then
    uv venv --quiet --allow-existing --python "$(command -v "$python")" "$venv"
  else
    "$python" -m venv "$venv" ||
      stop "this Python cannot make environments (Debian: apt install python3-venv); or install uv"
  fi
}

# A terminal sees the installer's progress, a log only its errors.
install() {
  local volume=--progress-bar=on
  [ -t 2 ] || volume=-qq
  if command -v uv >/dev/null 2>&1; then
    VIRTUAL_ENV="$venv" uv pip install "${volume/--progress-bar=on/--color=auto}" --compile-bytecode "$@"
  else
    "$venv/bin/python" -m pip --disable-pip-version-check install "$volume" "$@"
  fi
}

install_pins() {
  cd "$root"
  install -r requirements.txt -c requirements-lock.txt
  install --no-deps --editable .
}

# What only some want, into .venv alone: an environment that is not ours stays as it is.
fetch() {
  local pins=$1 what=$2
  if ! satisfied "$environment/bin/python" "$pins"; then
    [ "$environment" = "$venv" ] || stop "the active environment is left as it is; in it: pip install --no-deps -r $pins"
    (cd "$root" && install --no-deps -r "$pins") || stop "$what cannot be fetched; see the lines above"
  fi
  say "$what is ready"
}

# The kernel that notebooks name, and no pop-ups when JupyterLab opens.
configure_jupyter() {
  "$venv/bin/python" -m ipykernel install --prefix "$venv" --name python3 --display-name Lookbook >/dev/null 2>&1
  local settings="$venv/share/jupyter/lab/settings"
  mkdir -p "$settings"
  cat >"$settings/overrides.json" <<'EOF'
{
  "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}
}
EOF
}

report() { (cd "$root" && "$1" -m lib.environment "${2:-report}") >&2; }

set_up() (
  if command -v flock >/dev/null 2>&1; then # two first calls at once: the second waits, then finds it done
    exec 9>"$root/.venv.lock"
    flock -n 9 || { say "another prepare.sh is setting up; waiting for it"; flock 9; }
    ! usable || exit 0
  fi
  [ ! -L "$venv" ] || stop ".venv is a link to an environment without these pins; remove the link (nothing was changed)"
  if [ -d "$venv" ] && [ ! -e "$building" ] && [ ! -e "$ready" ]; then
    stop ".venv exists and was not made by prepare.sh; move it away (nothing was changed)"
  fi
  [ ! -e "$building" ] || say "an earlier set-up was interrupted; starting it again"
  python=$(find_python)
  make_environment "$python"
  install_pins
  configure_jupyter
  say "the environment is ready:"
  report "$venv/bin/python"
  wanted_stamp >"$ready"
  rm -f "$building"
)

usable() {
  [ ! -e "$building" ] && [ -x "$venv/bin/python" ] &&
    [ "$(cat "$ready" 2>/dev/null)" = "$(wanted_stamp)" ] && satisfied "$venv/bin/python"
}

check=false lavis=false photos=false qdrant=false demo=false site=false
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --check) check=true; shift ;;
    --lavis) lavis=true; shift ;;
    --photos) photos=true; shift ;;
    --qdrant) qdrant=true; shift ;;
    --demo) demo=true; shift ;;
    --site) site=true; shift ;;
    -*) usage >&2; exit 2 ;;
    *) break ;;
  esac
done

active=${VIRTUAL_ENV:-${CONDA_PREFIX:-}}
if [ -n "$active" ] && [ "$active" != "$venv" ] && satisfied "$active/bin/python"; then
  environment=$active
else
  [ -z "$active" ] || [ "$active" = "$venv" ] || say "the active environment does not satisfy the pins; using .venv"
  usable || set_up
  environment=$venv
fi

if $check; then
  if [ "$environment" = "$venv" ]; then report "$environment/bin/python"; else report "$environment/bin/python" look; fi
fi
! $lavis || (cd "$root" && "$environment/bin/python" -m rebuild.backends.layer) || exit 1
! $photos || fetch requirements-photos.txt "the eye for photographs"
! $qdrant || fetch requirements-qdrant.txt "Qdrant's client"
! $demo || fetch requirements-demo.txt "the demo's page"
! $site || fetch requirements-site.txt "the maker of the book"
[ $# -gt 0 ] || { $check || $lavis || $photos || $qdrant || $demo || $site || say "ready; give a command to run in it (bash prepare.sh --help)"; exit 0; }

export VIRTUAL_ENV="$environment" PATH="$environment/bin:$PATH"
cd "$root"
command -v "$1" >/dev/null 2>&1 || stop "command not found in the environment: $1"
exec "$@"
