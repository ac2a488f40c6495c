"""Loads what servers and workers are made of: the process that they are forked from imports it."""

from tests.faults.page_campaign.processes import load

load()
