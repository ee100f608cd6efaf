"""The law as data: dated, sourced rows, read once, looked up by code, origin and day. Pure: no clock, no database."""

from customs.tariff.faults import Fault, TariffFault
from customs.tariff.loader import load_tariff
from customs.tariff.tariff import ListEntry, RetailLimits, Tariff, TariffLine

__all__ = ["Fault", "ListEntry", "RetailLimits", "Tariff", "TariffFault", "TariffLine", "load_tariff"]
