begin;
select plan(3);
select is_empty($$select name from wedding_dbopt.get_settings() where value is null or description = ''$$, 'each has a value and a meaning');
select is((select origin from wedding_dbopt.get_settings() where name = 'region'), 'default', 'as installed');
select wedding_dbopt.set_setting('region', 'alps');
select results_eq($$select value, origin from wedding_dbopt.get_settings() where name = 'region'$$, $$values ('alps', 'user')$$, 'as changed');
select * from finish();
rollback;
