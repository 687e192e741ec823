select severity, node, problem
from finance.node_faults()
order by severity, node, problem
