"""The worker beside the measured web: the house's own, with Stripe answered at once. `python -m bench.worker`"""

from __future__ import annotations

from bench.stripe import InstantStripe
from core import jobs
from shop import exchanges
from shop.app import create_app

if __name__ == "__main__":
    exchanges.set_gateway(InstantStripe())
    jobs.run_worker(create_app())
