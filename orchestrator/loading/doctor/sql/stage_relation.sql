insert into pg_temp.{staged} ({columns})
select {values}
from {relation}
