import { useEffect, useState } from "react";
import { useConnection } from "@/api/connection";
import { useSession } from "@/flow/store";

/**
 * The present time, renewed several times a second while something goes on. It stands still while
 * the server is away: what happens there is not known then.
 */
export function useTicking(going: boolean, every = 200): number {
  const reached = useConnection((s) => s.status === "up");
  const joined = useSession((s) => s.status !== "offline");
  const active = going && reached && joined;
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!active) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [active, every]);
  return now;
}
