"""Options of the whole suite."""

from lib import environment


def pytest_addoption(parser):
    parser.addoption("--without-wordnet", action="store_true", help="run as on a machine that has no WordNet")


def pytest_configure(config):
    # before a test imports a library of Hugging Face: else it asks the hub for what is no folder, for minutes
    environment.offline()
    if config.getoption("--without-wordnet"):
        import nltk

        nltk.data.path.clear()
