import { useTranslation } from "react-i18next";
import { lookAt } from "@/canvas/view";
import { type Peer, useMotion, usePresence } from "@/flow/presence";
import { useGraph } from "@/flow/store";
import { Avatar } from "@/ui/Avatar";
import { useEditorUi } from "../ui";
import classes from "./People.module.css";

const MOST = 5;

/** One entry a person: somebody with two windows open is one face. */
function persons(peers: readonly Peer[]): Peer[] {
  const seen = new Map<string, Peer>();
  for (const peer of peers) if (!seen.has(peer.user.id)) seen.set(peer.user.id, peer);
  return [...seen.values()];
}

/** Goes where somebody is, and follows them; again to stop. */
function follow(peer: Peer): void {
  const { following } = useEditorUi.getState();
  if (following === peer.client) {
    useEditorUi.setState({ following: null });
    return;
  }
  const cursor = useMotion.getState().cursors[peer.client];
  const chosen = useGraph.getState().nodes[peer.selection[0] ?? ""];
  const at = cursor ?? chosen?.position;
  if (at) lookAt(at);
  // The click that starts following must not also be the one that stops it.
  setTimeout(() => useEditorUi.setState({ following: peer.client }), 0);
}

/** The faces of the others who have this flow open. */
export function People() {
  const { t } = useTranslation("editor");
  const peers = usePresence((s) => s.peers);
  const following = useEditorUi((s) => s.following);
  const everybody = persons(peers);
  const rest = everybody.slice(MOST);
  if (everybody.length === 0) return null;
  return (
    <ul className={classes.people} aria-label={t("people.label")}>
      {everybody.slice(0, MOST).map((peer) => (
        <li key={peer.client}>
          <button
            type="button"
            data-testid="presence-avatar"
            data-user={peer.user.name}
            aria-pressed={following === peer.client}
            style={{ "--who": peer.user.color } as React.CSSProperties}
            title={t(following === peer.client ? "people.unfollow" : "people.follow", {
              name: peer.user.name,
            })}
            onClick={() => follow(peer)}
          >
            <Avatar name={peer.user.name} color={peer.user.color} size={26} />
            <span className="visually-hidden">{t("people.follow", { name: peer.user.name })}</span>
          </button>
        </li>
      ))}
      {rest.length > 0 && (
        <li className={classes.rest} title={rest.map((peer) => peer.user.name).join(", ")}>
          +{rest.length}
        </li>
      )}
    </ul>
  );
}
