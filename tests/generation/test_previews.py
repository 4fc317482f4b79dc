"""Previews on their way: from the engine through a real store to whoever watches, and to nobody else."""

import base64
import http.client
import io
import json
from urllib.parse import urlsplit

import PIL.Image
import pytest

from generation.models import GenerationJob
from jobs import previews
from tests.server import events_of

ROUTE = "/api/v1/generations"
