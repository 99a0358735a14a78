// The frame around every screen: the rail, the place, the search.

import { lazy, Suspense, useState } from "react";
import { ALERT_COUNT } from "./documents";
import { useQuery } from "./fetching";
import { Icon, type IconName } from "./parts/icons";
import { Empty, FailureNotice, Skeleton } from "./parts/notices";
import { Search } from "./parts/search";
import { PastBanner, TimeTravel } from "./parts/time-travel";
import { TimeOfScreen, useShownTime } from "./past";
import { Link, paths, placeOf, usePath, type Place } from "./routing";
import type { Twin } from "./schema";
import { Alerts } from "./screens/alerts/alerts";
import { Changes } from "./screens/changes/changes";
import { Connections } from "./screens/connections";
import { Overview } from "./screens/overview";
import { Breadcrumbs } from "./screens/twins/twin-page";
import { TwinsScreen } from "./screens/twins/twins-screen";
import { Violations } from "./screens/violations/violations";
import { nextTheme, useTheme } from "./theme";
import { useLanguage, useWords } from "./words";

const QueryScreen = lazy(() =>
  import("./screens/query/query-screen").then((screen) => ({ default: screen.QueryScreen })),
);

const screens = [
  { name: "overview", href: paths.overview },
  { name: "twins", href: paths.twins },
  { name: "query", href: paths.query },
  { name: "connections", href: paths.connections },
  { name: "alerts", href: paths.alerts },
  { name: "violations", href: paths.violations },
  { name: "changes", href: paths.changes },
] as const satisfies { name: IconName; href: string }[];

export function App() {
  return (
    <TimeOfScreen>
      <Frame />
    </TimeOfScreen>
  );
}

function Frame() {
  const words = useWords();
  const place = placeOf(usePath());
  const [twin, found] = useState<Twin | null>(null);
  const screen = place.screen === "twin" ? "twins" : place.screen;
  return (
    <div className="frame">
      <a className="skip" href="#content">
        {words.skip}
      </a>
      <Rail screen={screen} />
      <header className="top">
        {place.screen === "twin" && twin?.id === place.id ? (
          <Breadcrumbs twin={twin} />
        ) : (
          <nav className="breadcrumbs" aria-label={words.screens.place}>
            <ol>
              <li aria-current="page">
                <span>{screen === "unknown" ? "" : words.screens[screen]}</span>
              </li>
            </ol>
          </nav>
        )}
        <TimeTravel />
        <Search />
      </header>
      <PastBanner />
      <main id="content" tabIndex={-1}>
        <Screen place={place} twin={twin} found={found} />
      </main>
    </div>
  );
}

function Screen({ place, twin, found }: { place: Place; twin: Twin | null; found: (twin: Twin | null) => void }) {
  const words = useWords();
  const { past, pending, failure } = useShownTime();
  if (failure)
    return (
      <div className="content">
        <FailureNotice failure={failure} title={words.past.failed} />
      </div>
    );
  if (pending && !past)
    return (
      <div className="content">
        <Skeleton rows={12} />
      </div>
    );
  switch (place.screen) {
    case "overview":
      return <Overview />;
    case "twins":
      return <TwinsScreen id={null} twin={twin} found={found} />;
    case "twin":
      return <TwinsScreen id={place.id} twin={twin} found={found} />;
    case "query":
      return (
        <Suspense fallback={<Skeleton rows={8} />}>
          <QueryScreen />
        </Suspense>
      );
    case "connections":
      return <Connections id={place.id} />;
    case "alerts":
      return <Alerts id={place.id} />;
    case "violations":
      return <Violations />;
    case "changes":
      return <Changes id={place.id} />;
    case "unknown":
      return (
        <div className="content">
          <Empty title={words.notFound.title}>{words.notFound.remedy}</Empty>
        </div>
      );
  }
}

/** How many alerts stand that are more than a notice. */
function AlertBadge() {
  const words = useWords();
  const { data } = useQuery(ALERT_COUNT, {}, { every: 5 });
  const count = data?.alerts.totalCount ?? 0;
  if (!count) return null;
  return (
    <span className="badge" title={words.alerts.total(count)}>
      {count > 99 ? "99+" : count}
    </span>
  );
}

function Rail({ screen }: { screen: string }) {
  const words = useWords();
  const { other, toggle } = useLanguage();
  const theme = useTheme();
  return (
    <nav className="rail" aria-label={words.screens.navigation}>
      <Link className="brand" href={paths.overview} aria-label={words.product}>
        <img src="/icon.svg" alt="" width="24" height="24" />
        <span>{words.product}</span>
      </Link>
      <ul>
        {screens.map(({ name, href }) => (
          <li key={name}>
            <Link href={href} aria-current={name === screen ? "page" : undefined} title={words.screens[name]}>
              <Icon name={name} />
              <span>{words.screens[name]}</span>
              {name === "alerts" && <AlertBadge />}
            </Link>
          </li>
        ))}
      </ul>
      <div className="rail-foot">
        <button
          type="button"
          onClick={toggle}
          lang={other.tag}
          aria-label={`${words.otherLanguage} ${other.language}`}
          title={other.language}
        >
          <Icon name="language" />
          <span>{other.language}</span>
        </button>
        <button type="button" onClick={nextTheme} title={words.theme[theme]} aria-label={words.theme[theme]}>
          <Icon name="theme" />
          <span>{words.theme[theme]}</span>
        </button>
      </div>
    </nav>
  );
}
