select {columns}
from {relation} as t
where {scope}
order by {order}
