-- Of sellers who were erased: what a file still says of name and wallet is left out, and told once.
select finance.alert_named_again(loaded.seller_id)
from pg_temp.load_sellers_typed as loaded
inner join finance.erasures as erased
    on loaded.seller_id = erased.seller_id and erased.approved_at is not null
where loaded.display_name not in ('', erased.pseudonym) or loaded.wallet_address <> '';

update pg_temp.load_sellers_typed as loaded
set display_name = erased.pseudonym, wallet_address = ''
from finance.erasures as erased
where loaded.seller_id = erased.seller_id and erased.approved_at is not null
