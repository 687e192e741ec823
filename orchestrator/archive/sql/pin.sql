-- What the text of a row depends on beside the row: whatever the login, and whatever ran before.
reset all;
set timezone = 'UTC';
set datestyle = 'ISO, YMD';
set intervalstyle = 'postgres';
set bytea_output = 'hex';
set extra_float_digits = 1;
set client_encoding = 'UTF8'
