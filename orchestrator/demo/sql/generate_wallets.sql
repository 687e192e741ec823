update pg_temp.generated_sellers as sellers
set wallet_address = wallets.wallet_address
from pg_temp.generated_wallets as wallets
where sellers.number = wallets.number
