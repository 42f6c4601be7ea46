"""Options of the whole suite."""

import signal

from lib import environment


def pytest_addoption(parser):
    parser.addoption("--without-wordnet", action="store_true", help="run as on a machine that has no WordNet")


def pytest_configure(config):
    # before a test imports a library of Hugging Face: else it asks the hub for what is no folder, for minutes
    environment.offline()
    if (
        signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    ):  # a suite started in the background: Ctrl-C is tested
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--without-wordnet"):
        import nltk

        nltk.data.path.clear()
