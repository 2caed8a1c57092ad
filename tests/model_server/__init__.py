"""A real model server: llama.cpp's, from PyPI, with a model of 300 kB that is made here and says nothing sensible."""
