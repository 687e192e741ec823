insert into {seeds}.new_seller_policies (policy, valid_from, days)
values (%(policy)s, %(valid_from)s, %(days)s)
