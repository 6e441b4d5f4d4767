import { useQuery } from "@tanstack/react-query";
import { create } from "zustand";
import { queryClient } from "@/app/queryClient";
import { asUiLanguage, hasChosenLanguage, setLanguage } from "@/i18n";
import { api, onRefused, setCsrfToken } from "./client";
import { ApiError } from "./errors";
import type {
  AcceptBody,
  Language,
  ProfileBody,
  Session,
  SetupBody,
  SignInBody,
  Workspace,
  WorkspaceBody,
} from "./types";

export type SessionState =
  | { kind: "in"; session: Session }
  | { kind: "out"; expired: boolean }
  | { kind: "setup" };

const KEY = ["session"] as const;
const WORKSPACE = "weft.workspace";

function put(state: SessionState): void {
  queryClient.setQueryData(KEY, state);
}

function enter(session: Session): SessionState {
  setCsrfToken(session.csrf_token);
  // On a new device the account's language is taken; a choice made here stays.
  const { language } = session.user;
  if (language && !hasChosenLanguage()) void setLanguage(asUiLanguage(language));
  return { kind: "in", session };
}

async function load(): Promise<SessionState> {
  try {
    return enter(await api.get<Session>("/session"));
  } catch (error) {
    if (error instanceof ApiError && error.code === "setup_required") return { kind: "setup" };
    if (error instanceof ApiError && error.status === 401) {
      return queryClient.getQueryData<SessionState>(KEY) ?? { kind: "out", expired: false };
    }
    throw error;
  }
}

/** Who is signed in; undefined while it is asked for the first time. */
export function useSessionState() {
  return useQuery({ queryKey: KEY, queryFn: load, staleTime: 60_000 });
}

/** The session of the signed-in person; only for pages behind the sign-in. */
export function useSession(): Session {
  const { data } = useSessionState();
  if (data?.kind !== "in") throw new Error("used outside of a signed-in page");
  return data.session;
}

function store(session: Session): Session {
  put(enter(session));
  return session;
}

/** What was fetched for one person is not for the next. */
function forgetEverythingElse(): void {
  queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] });
}

/** Begins a session: what an earlier one left behind goes. */
function begin(session: Session): Session {
  forgetEverythingElse();
  return store(session);
}

export async function signIn(email: string, password: string): Promise<Session> {
  return begin(await api.post<Session>("/session", { email, password } satisfies SignInBody));
}

export async function setUp(body: SetupBody): Promise<Session> {
  return begin(await api.post<Session>("/setup", body));
}

export async function acceptInvitation(body: AcceptBody): Promise<Session> {
  return begin(await api.post<Session>("/invitations/accept", body));
}

/** Changes one's own name, language or colour. */
export async function updateProfile(change: ProfileBody): Promise<Session> {
  return store(await api.patch<Session>("/user", change));
}

/** Switches the language here, and keeps it with the account for other devices. */
export function chooseLanguage(language: Language): void {
  void setLanguage(language);
  updateProfile({ language }).catch(() => undefined);
}

export async function signOut(): Promise<void> {
  await api.delete("/session");
  setCsrfToken("");
  put({ kind: "out", expired: false });
  forgetEverythingElse();
}

export function refreshSession(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: KEY });
}

// A session may end while a page is open: the page then leads to the sign-in and back.
onRefused((error) => {
  const before = queryClient.getQueryData<SessionState>(KEY);
  if (error.code === "setup_required") {
    put({ kind: "setup" });
  } else if (before?.kind === "in") {
    put({ kind: "out", expired: true });
  }
});

/** Tells the page that the session is over, for connections that learn it first. */
export function reportSignedOut(): void {
  put({ kind: "out", expired: true });
}

const useChosen = create<{ id: string | null }>(() => ({ id: rememberedWorkspace() }));

function rememberedWorkspace(): string | null {
  try {
    return localStorage.getItem(WORKSPACE);
  } catch {
    return null;
  }
}

export function chooseWorkspace(id: string): void {
  useChosen.setState({ id });
  try {
    localStorage.setItem(WORKSPACE, id);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

/** Makes a workspace, which one owns, and goes there. */
export async function createWorkspace(name: string): Promise<Workspace> {
  const made = await api.post<Workspace>("/workspaces", { name } satisfies WorkspaceBody);
  const state = queryClient.getQueryData<SessionState>(KEY);
  if (state?.kind === "in") {
    const workspaces = [...state.session.workspaces, made];
    put({ kind: "in", session: { ...state.session, workspaces } });
  }
  chooseWorkspace(made.id);
  return made;
}

/** The workspace whose flows are shown. */
export function useWorkspace(): Workspace | undefined {
  const { workspaces } = useSession();
  const chosen = useChosen((state) => state.id);
  return workspaces.find((workspace) => workspace.id === chosen) ?? workspaces[0];
}
