-- Sign in: e-mail addresses are compared without regard to case.
\set user random(1, :weddings)
select 'User' || :user::integer || '@Example.com' as email \gset
select id, full_name, role, preferences from users where lower(email) = lower(:email);
