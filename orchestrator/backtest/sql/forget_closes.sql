truncate
{staging}.stg_finance__window_closes,
{staging}.stg_finance__window_close_health
