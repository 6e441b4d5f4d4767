import { lazy, Suspense } from "react";
import { Redirect, Route, Switch, useLocation } from "wouter";
import { ApiError } from "@/api/errors";
import { useSessionState } from "@/api/session";
import { Waiting } from "@/ui/Waiting";
import { NotFound } from "./NotFound";
import { nextPath } from "./nextPath";
import { Trouble } from "./Trouble";

const SetupPage = lazy(() => import("./sign/SetupPage"));
const SignInPage = lazy(() => import("./sign/SignInPage"));
const JoinPage = lazy(() => import("./sign/JoinPage"));
const HomePage = lazy(() => import("./home/HomePage"));
const SettingsPage = lazy(() => import("./settings/SettingsPage"));
const RunsPage = lazy(() => import("@/runs/history/RunsPage"));
const EditorPage = lazy(() => import("@/editor/EditorPage"));

function SignedIn() {
  return (
    <Switch>
      <Route path="/" component={HomePage} />
      <Route path="/flows/:id">{({ id }) => <EditorPage key={id} flowId={id} />}</Route>
      <Route path="/runs" component={RunsPage} />
      <Route path="/settings/:section?" component={SettingsPage} />
      <Route path="/join" component={JoinPage} />
      <Route path="/signin">
        <Redirect to={nextPath(window.location.search)} replace />
      </Route>
      <Route path="/setup">
        <Redirect to="/" replace />
      </Route>
      <Route component={NotFound} />
    </Switch>
  );
}

function SignedOut() {
  const [path] = useLocation();
  const here = `${path}${window.location.search}`;
  const back = path === "/" ? "" : `?next=${encodeURIComponent(here)}`;
  return (
    <Switch>
      <Route path="/signin" component={SignInPage} />
      <Route path="/join" component={JoinPage} />
      <Route path="/setup" component={SetupPage} />
      <Route>
        <Redirect to={`/signin${back}`} replace />
      </Route>
    </Switch>
  );
}

function isUnreachable(error: Error): boolean {
  return error instanceof ApiError && error.unreachable;
}

function ByState() {
  const state = useSessionState();
  if (state.error && !isUnreachable(state.error)) {
    return <Trouble error={state.error} onRetry={() => void state.refetch()} />;
  }
  // While the server does not answer, the banner says so and the page waits.
  if (state.isPending || state.error) return <Waiting />;
  if (state.data.kind === "setup") return <SetupPage />;
  return state.data.kind === "in" ? <SignedIn /> : <SignedOut />;
}

export function Routes() {
  return (
    <Suspense fallback={<Waiting />}>
      <ByState />
    </Suspense>
  );
}
