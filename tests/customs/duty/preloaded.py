"""Both laws, loaded and read before the workers of `make mutants` part; nothing is asked of the engine's yet."""

from tests.cases.law import DATA, tariff
from tests.customs.duty import every_form
from tests.customs.duty.drawing import Drawing
from tests.customs.duty.slow.rows import law_in

LAWS = (tariff(), every_form.law())
EDGES = [Drawing(law_in(folder), 0).edges for folder in (DATA, every_form.made())]
