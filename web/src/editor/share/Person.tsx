import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSession as useAccount } from "@/api/session";
import { Avatar } from "@/ui/Avatar";
import classes from "./Share.module.css";
import type { Share } from "./shares";

/** One line of a list of people; what they may do stands at its end. */
export function Person({ user, children }: { user: Share["user"]; children: ReactNode }) {
  const { t } = useTranslation("editor");
  const isMe = useAccount().user.id === user.id;
  return (
    <li className={classes.person} data-testid="share-person">
      <Avatar name={user.name} color={user.color} size={28} />
      <span className={classes.who}>
        <b>
          {user.name}
          {isMe && <i> ({t("share.you")})</i>}
        </b>
        <span>{user.email}</span>
      </span>
      {children}
    </li>
  );
}
