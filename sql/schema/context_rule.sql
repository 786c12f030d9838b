create table _wedding_dbopt.context_rule (
  word        text primary key check (word = lower(word)),
  context     text check (context in ('booking', 'vendor_search', 'payment', 'timeline', 'guest_management')),
  criticality text check (criticality in ('critical', 'high', 'medium', 'low')),
  weight      integer not null default 10 check (weight > 0),
  enabled     boolean not null default true,
  origin      text not null default 'user'
);
comment on table _wedding_dbopt.context_rule is
  'A word of a table''s name decides the business context and criticality of the statements that touch it.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.context_rule', 'where origin = ''user''');

insert into _wedding_dbopt.context_rule (word, context, criticality, weight, origin) values
  ('bookings',      'booking',          'critical', 20, 'default'),
  ('reservations',  'booking',          'critical', 20, 'default'),
  ('availability',  'booking',          'critical', 20, 'default'),
  ('venues',        'booking',          'high',      5, 'default'),
  ('vendors',       'vendor_search',    'high',     20, 'default'),
  ('suppliers',     'vendor_search',    'high',     20, 'default'),
  ('services',      'vendor_search',    'high',     15, 'default'),
  ('search',        'vendor_search',    'high',     10, 'default'),
  ('reviews',       'vendor_search',    'medium',    5, 'default'),
  ('payments',      'payment',          'critical', 25, 'default'),
  ('invoices',      'payment',          'high',     25, 'default'),
  ('transactions',  'payment',          'critical', 25, 'default'),
  ('timeline',      'timeline',         'high',     20, 'default'),
  ('schedule',      'timeline',         'high',     20, 'default'),
  ('events',        'timeline',         'high',     10, 'default'),
  ('guests',        'guest_management', 'medium',   20, 'default'),
  ('invitations',   'guest_management', 'medium',   20, 'default'),
  ('rsvp',          'guest_management', 'medium',   20, 'default'),
  ('notifications', null,               'high',      5, 'default'),
  ('audit',         null,               'low',       5, 'default'),
  ('log',           null,               'low',       5, 'default'),
  ('logs',          null,               'low',       5, 'default');

create table _wedding_dbopt.criticality_weight (
  criticality text primary key check (criticality in ('critical', 'high', 'medium', 'low')),
  weight      numeric not null check (weight > 0),
  origin      text not null default 'user'
);
comment on table _wedding_dbopt.criticality_weight is 'How much a millisecond of a statement counts in decisions, by its criticality.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.criticality_weight', 'where origin = ''user''');
insert into _wedding_dbopt.criticality_weight (criticality, weight, origin) values
  ('critical', 4, 'default'), ('high', 2, 'default'), ('medium', 1, 'default'), ('low', 0.25, 'default');
