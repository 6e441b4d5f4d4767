import type { ReactNode } from "react";
import { LanguageSwitch } from "@/ui/LanguageSwitch";
import { Mark } from "@/ui/Mark";
import { ThemeSwitch } from "@/ui/ThemeSwitch";
import classes from "./SignLayout.module.css";
import { Threads } from "./Threads";

interface SignLayoutProps {
  title: string;
  lead?: ReactNode;
  children?: ReactNode;
  foot?: ReactNode;
}

/** The frame of the pages before one is signed in. */
export function SignLayout({ title, lead, children, foot }: SignLayoutProps) {
  return (
    <div className={classes.page}>
      <Threads />
      <header className={classes.top}>
        <span className={classes.brand}>
          <Mark size={24} />
          Weft
        </span>
        <div className={classes.switches}>
          <LanguageSwitch />
          <ThemeSwitch />
        </div>
      </header>
      <main className={classes.main}>
        <section className={classes.card}>
          <h1>{title}</h1>
          {lead && <p className={classes.lead}>{lead}</p>}
          {children}
        </section>
        {foot && <p className={classes.foot}>{foot}</p>}
      </main>
    </div>
  );
}
