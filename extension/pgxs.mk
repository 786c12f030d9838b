# Plain PGXS; called by the Makefile from the top folder with PG_CONFIG and INSTALL_SQL.
EXTENSION = wedding_dbopt
DATA      = $(INSTALL_SQL) $(wildcard extension/updates/*--*.sql)
DOCS      = extension/wedding_dbopt.md
PGXS     := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# PGXS installs documents by their names alone but would remove them by their source paths.
uninstall: uninstall-document
.PHONY: uninstall-document
uninstall-document:
	rm -f '$(DESTDIR)$(docdir)/$(docmoduledir)/$(notdir $(DOCS))'
