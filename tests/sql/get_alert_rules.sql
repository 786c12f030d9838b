begin;
select plan(2);
select is((select warning || ' ' || critical || ' ' || unit || ' ' || origin from wedding_dbopt.get_alert_rules() where kind = 'connections'), '80 95 % default', 'each kind with its thresholds');
select is_empty($$select kind from wedding_dbopt.get_alert_rules() where coalesce(warning, critical) is null or description = ''$$, 'each can alert and says what it means');
select * from finish();
rollback;
