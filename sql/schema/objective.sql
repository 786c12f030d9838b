create table _wedding_dbopt.objective (
  context        text primary key check (context in ('booking', 'vendor_search', 'payment', 'timeline', 'guest_management')),
  latency_ms     numeric not null check (latency_ms > 0),
  success_target numeric not null default 0.99 check (success_target > 0 and success_target <= 1),
  description    text not null,
  origin         text not null default 'user'
);
comment on table _wedding_dbopt.objective is 'Latency target of each business context, in milliseconds.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.objective', 'where origin = ''user''');

insert into _wedding_dbopt.objective (context, latency_ms, description, origin) values
  ('booking',           50, 'Booking queries answer within 50 ms', 'default'),
  ('vendor_search',    100, 'Vendor full-text search answers within 100 ms', 'default'),
  ('payment',           20, 'Payment confirmations answer within 20 ms', 'default'),
  ('timeline',          30, 'Timeline updates answer within 30 ms', 'default'),
  ('guest_management', 100, 'Guest lists and RSVPs answer within 100 ms', 'default');
