"""States of a workspace that can be gone back to, kept by git in the state folder, beside the user's own."""
