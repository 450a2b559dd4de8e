// Make the roles of roles.json and two users, by mongosh, as an administrator of the replica set:
// `service`, who serves and can neither change nor remove what the audit has recorded, and `administrator`, who has
// what the administrative commands need besides (erase, merge, prune the audit). Safe to run again.
// Passwords come from the environment: SERVICE_PASSWORD, ADMINISTRATOR_PASSWORD.
const database = process.env.RECOVERY_MONGODB_DATABASE || "recovery_plan";
const roles = JSON.parse(require("fs").readFileSync(`${__dirname}/roles.json`, "utf8"));
const admin = db.getSiblingDB("admin");

for (const [name, privileges] of Object.entries(roles)) {
  const granted = privileges.flatMap(({ collections, actions }) =>
    collections.map((collection) => ({ resource: { db: database, collection }, actions })),
  );
  if (admin.getRole(name)) admin.updateRole(name, { privileges: granted, roles: [] });
  else admin.createRole({ role: name, privileges: granted, roles: [] });
}

const users = {
  service: [process.env.SERVICE_PASSWORD, ["recovery-plan-serve"]],
  administrator: [process.env.ADMINISTRATOR_PASSWORD, ["recovery-plan-serve", "recovery-plan-administer"]],
};
for (const [user, [pwd, granted]] of Object.entries(users)) {
  if (!pwd) throw new Error(`${user.toUpperCase()}_PASSWORD is not set`);
  if (admin.getUser(user)) admin.updateUser(user, { pwd, roles: granted });
  else admin.createUser({ user, pwd, roles: granted });
}
