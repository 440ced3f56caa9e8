"""The server, with a database of its own: the tables of opted-out and anonymous users are emptied."""

from psql import ServerError, ServerGone, Session, administer, fresh_database

from oracle.kit.days import day_text, instant_text, local_day_by_zoneinfo

__all__ = ["Server", "ServerError", "ServerGone", "Session", "administer", "fresh_database"]


class Server(Session):
    """A psql session with functions for the server's clock and zones."""

    doubtful_zones = frozenset()

    def now(self):
        """The server's clock, as an instant."""
        since_2000 = "extract(epoch FROM clock_timestamp() - timestamptz '2000-01-01 00:00+00')"
        return int(self.run(f"SELECT ({since_2000} * 1000000)::bigint")[0])

    def local_days(self, instants, zone):
        """Each instant's local day by PostgreSQL's own rules: (instant AT TIME ZONE zone)::date."""
        if not instants:
            return {}
        array = ",".join(f'"{instant_text(instant)}"' for instant in instants)
        lines = self.run(
            f"SELECT (i AT TIME ZONE '{zone}')::date - date '2000-01-01' "
            f"FROM unnest('{{{array}}}'::timestamptz[]) WITH ORDINALITY AS u(i, n) ORDER BY n")
        days = dict(zip(instants, map(int, lines), strict=True))
        self._cross_check(days, zone)
        return days

    def _cross_check(self, days, zone):
        """Python's zone rules as a cross-check; they may be of another release of the tz database."""
        for instant, day in days.items():
            second_opinion = local_day_by_zoneinfo(instant, zone)
            if second_opinion not in (None, day) and zone not in self.doubtful_zones:
                self.doubtful_zones |= {zone}
                print(f"note: {instant_text(instant)} in {zone} is {day_text(day)} by PostgreSQL's zone data and "
                      f"{day_text(second_opinion)} by Python's; PostgreSQL's counts")
