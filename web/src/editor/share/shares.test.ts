import { describe, expect, it } from "vitest";
import { type Share, withoutShare, withShare } from "./shares";

const share = (name: string, role: "viewer" | "editor"): Share => ({
  user: { id: name, name, email: `${name}@example.org`, color: "#000000" },
  role,
});
const shares = [share("bo", "viewer"), share("vera", "editor")];

describe("the people a flow is shared with", () => {
  it("get somebody new at the end", () => {
    expect(withShare(shares, " New@Example.org ", "viewer")).toEqual([
      { email: "bo@example.org", role: "viewer" },
      { email: "vera@example.org", role: "editor" },
      { email: "new@example.org", role: "viewer" },
    ]);
  });

  it("are there once, with the newest role", () => {
    const roles = withShare(shares, "BO@example.org", "editor");
    expect(roles.filter(({ email }) => email === "bo@example.org")).toEqual([
      { email: "bo@example.org", role: "editor" },
    ]);
  });

  it("lose whom they are without", () => {
    expect(withoutShare(shares, "bo")).toEqual([{ email: "vera@example.org", role: "editor" }]);
  });
});
