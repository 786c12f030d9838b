-- A pattern without a star is one word or several in a row of a name (`guest_list` is in `wedding_guest_lists`), singular
-- and plural alike; with a star it is the whole name; with a dot it is schema.name; a tag's may be key=value.
create table _wedding_dbopt.context_rule (
  part        text not null default 'name' check (part in ('name', 'schema', 'table', 'column', 'function', 'tag', 'statement')),
  pattern     text not null check (pattern = lower(pattern) and pattern ~ '\S'),
  context     text check (context in ('booking', 'vendor_search', 'payment', 'timeline', 'guest_management', 'other')),
  criticality text check (criticality in ('critical', 'high', 'medium', 'low')),
  weight      integer not null default 10 check (weight > 0),
  enabled     boolean not null default true,
  origin      text not null default 'user',
  primary key (part, pattern),
  check (context is not null or criticality is not null)
);
comment on table _wedding_dbopt.context_rule is
  'What names tell of the statements that touch them: business context and criticality. part: name (a table, a function or a comment''s tag), table, function, column, schema, tag, or statement (its query id); context other: no business of these.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.context_rule', 'where origin = ''user''');

insert into _wedding_dbopt.context_rule (part, pattern, context, criticality, weight, origin) values
  ('name',     'bookings',             'booking',          'critical',  20, 'default'),
  ('name',     'reservations',         'booking',          'critical',  20, 'default'),
  ('name',     'availability',         'booking',          'critical',  20, 'default'),
  ('name',     'holds',                'booking',          'critical',  15, 'default'),
  ('name',     'slots',                'booking',          'critical',  15, 'default'),
  ('name',     'appointments',         'booking',          'high',      15, 'default'),
  ('name',     'inquiries',            'booking',          'high',      15, 'default'),
  ('name',     'enquiries',            'booking',          'high',      15, 'default'),
  ('name',     'quotes',               'booking',          'high',      15, 'default'),
  ('name',     'proposals',            'booking',          'high',      15, 'default'),
  ('name',     'contracts',            'booking',          'high',      15, 'default'),
  ('name',     'waitlists',            'booking',          'medium',    15, 'default'),
  ('name',     'viewings',             'booking',          'medium',    10, 'default'),
  ('name',     'venues',               'booking',          'high',       5, 'default'),
  ('name',     'vendors',              'vendor_search',    'high',      20, 'default'),
  ('name',     'suppliers',            'vendor_search',    'high',      20, 'default'),
  ('name',     'providers',            'vendor_search',    'high',      15, 'default'),
  ('name',     'florists',             'vendor_search',    'high',      15, 'default'),
  ('name',     'photographers',        'vendor_search',    'high',      15, 'default'),
  ('name',     'caterers',             'vendor_search',    'high',      15, 'default'),
  ('name',     'services',             'vendor_search',    'high',      15, 'default'),
  ('name',     'packages',             'vendor_search',    'medium',    10, 'default'),
  ('name',     'listings',             'vendor_search',    'high',      15, 'default'),
  ('name',     'categories',           'vendor_search',    'medium',    10, 'default'),
  ('name',     'search',               'vendor_search',    'high',      10, 'default'),
  ('name',     'reviews',              'vendor_search',    'medium',     5, 'default'),
  ('name',     'ratings',              'vendor_search',    'medium',     5, 'default'),
  ('name',     'portfolios',           'vendor_search',    'medium',    10, 'default'),
  ('name',     'galleries',            'vendor_search',    'medium',     5, 'default'),
  ('name',     'favorites',            'vendor_search',    'medium',    10, 'default'),
  ('name',     'favourites',           'vendor_search',    'medium',    10, 'default'),
  ('name',     'wishlists',            'vendor_search',    'medium',    10, 'default'),
  ('name',     'shortlists',           'vendor_search',    'medium',    10, 'default'),
  ('name',     'payments',             'payment',          'critical',  25, 'default'),
  ('name',     'invoices',             'payment',          'high',      25, 'default'),
  ('name',     'transactions',         'payment',          'critical',  25, 'default'),
  ('name',     'deposits',             'payment',          'critical',  25, 'default'),
  ('name',     'refunds',              'payment',          'critical',  25, 'default'),
  ('name',     'payouts',              'payment',          'critical',  25, 'default'),
  ('name',     'charges',              'payment',          'critical',  25, 'default'),
  ('name',     'billing',              'payment',          'high',      25, 'default'),
  ('name',     'checkout',             'payment',          'critical',  25, 'default'),
  ('name',     'installments',         'payment',          'high',      25, 'default'),
  ('name',     'instalments',          'payment',          'high',      25, 'default'),
  ('name',     'subscriptions',        'payment',          'high',      20, 'default'),
  ('name',     'receipts',             'payment',          'medium',    20, 'default'),
  ('name',     'ledger',               'payment',          'high',      20, 'default'),
  ('name',     'coupons',              'payment',          'medium',    10, 'default'),
  ('name',     'commissions',          'payment',          'high',      20, 'default'),
  ('name',     'timeline',             'timeline',         'high',      20, 'default'),
  ('name',     'schedule',             'timeline',         'high',      20, 'default'),
  ('name',     'events',               'timeline',         'high',      10, 'default'),
  ('name',     'itinerary',            'timeline',         'high',      20, 'default'),
  ('name',     'agenda',               'timeline',         'high',      20, 'default'),
  ('name',     'milestones',           'timeline',         'high',      15, 'default'),
  ('name',     'tasks',                'timeline',         'high',      10, 'default'),
  ('name',     'todos',                'timeline',         'medium',    10, 'default'),
  ('name',     'checklists',           'timeline',         'high',      15, 'default'),
  ('name',     'calendar',             'timeline',         'high',      10, 'default'),
  ('name',     'deadlines',            'timeline',         'high',      15, 'default'),
  ('name',     'guests',               'guest_management', 'medium',    20, 'default'),
  ('name',     'invitations',          'guest_management', 'medium',    20, 'default'),
  ('name',     'invites',              'guest_management', 'medium',    20, 'default'),
  ('name',     'invitees',             'guest_management', 'medium',    20, 'default'),
  ('name',     'rsvp',                 'guest_management', 'medium',    20, 'default'),
  ('name',     'attendees',            'guest_management', 'medium',    20, 'default'),
  ('name',     'attendance',           'guest_management', 'medium',    15, 'default'),
  ('name',     'households',           'guest_management', 'medium',    15, 'default'),
  ('name',     'seating',              'guest_management', 'medium',    20, 'default'),
  ('name',     'seats',                'guest_management', 'medium',    15, 'default'),
  ('name',     'plus_ones',            'guest_management', 'medium',    20, 'default'),
  ('name',     'meals',                'guest_management', 'medium',    10, 'default'),
  ('name',     'dietary',              'guest_management', 'medium',    15, 'default'),
  ('name',     'menu_choices',         'guest_management', 'medium',    15, 'default'),
  ('name',     'notifications',        'other',            'high',       5, 'default'),
  ('name',     'audit',                'other',            'low',        5, 'default'),
  ('name',     'log',                  'other',            'low',        5, 'default'),
  ('name',     'logs',                 'other',            'low',        5, 'default'),
  ('name',     'migrations',           'other',            'low',        5, 'default'),
  ('name',     'metadata',             'other',            'low',        5, 'default'),
  ('table',    'alembic_version',      'other',            'low',        5, 'default'),
  ('table',    'flyway_schema_history','other',            'low',        5, 'default'),
  ('column',   'rsvp',                 'guest_management', 'medium',    10, 'default'),
  ('column',   'plus_one',             'guest_management', 'medium',    10, 'default'),
  ('column',   'dietary',              'guest_management', 'medium',    10, 'default'),
  ('column',   'payment_intent',       'payment',          'critical',  10, 'default'),
  ('column',   'invoice_number',       'payment',          'high',      10, 'default'),
  ('schema',   'auth',                 'other',            'high',       5, 'default'),
  ('schema',   'storage',              'other',            'medium',     5, 'default'),
  ('schema',   'realtime',             'other',            'medium',     5, 'default'),
  ('schema',   'cron',                 'other',            'low',        5, 'default'),
  ('schema',   'net',                  'other',            'low',        5, 'default'),
  ('schema',   'vault',                'other',            'medium',     5, 'default'),
  ('schema',   'pgsodium',             'other',            'low',        5, 'default'),
  ('schema',   'graphql',              'other',            'low',        5, 'default'),
  ('schema',   'graphql_public',       'other',            'low',        5, 'default'),
  ('schema',   'supabase_functions',   'other',            'low',        5, 'default'),
  ('schema',   'supabase_migrations',  'other',            'low',        5, 'default'),
  ('schema',   'extensions',           'other',            'low',        5, 'default'),
  ('schema',   'pgbouncer',            'other',            'low',        5, 'default'),
  ('schema',   'payments',             'payment',          'critical',  15, 'default'),
  ('schema',   'billing',              'payment',          'high',      15, 'default');


-- What the stored contexts rest on. Not dumped: after a restore everything is classified once more.
create table _wedding_dbopt.classification_basis (
  single      boolean primary key default true check (single),
  rules       text,
  definitions text,
  changed_since timestamptz
);
comment on table _wedding_dbopt.classification_basis is
  'Fingerprints of the rules and of the views and functions that the stored contexts rest on. changed_since: statements seen since then got another context, and the sums by context are to be formed anew.';
insert into _wedding_dbopt.classification_basis default values;

create table _wedding_dbopt.criticality_weight (
  criticality text primary key check (criticality in ('critical', 'high', 'medium', 'low')),
  weight      numeric not null check (weight > 0),
  origin      text not null default 'user'
);
comment on table _wedding_dbopt.criticality_weight is 'How much a millisecond of a statement counts in decisions, by its criticality.';
select pg_catalog.pg_extension_config_dump('_wedding_dbopt.criticality_weight', 'where origin = ''user''');
insert into _wedding_dbopt.criticality_weight (criticality, weight, origin) values
  ('critical', 4, 'default'), ('high', 2, 'default'), ('medium', 1, 'default'), ('low', 0.25, 'default');
