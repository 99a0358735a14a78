"""``python -m connectors.simulator``: the demo building's devices, until end of input or Ctrl-C."""

from connectors.simulator.process import main

raise SystemExit(main())
