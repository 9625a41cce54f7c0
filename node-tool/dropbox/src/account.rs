//! The account itself: who it is, how much room it has, and giving the login back.

use crate::api::{
    Nothing,
    auth::REVOKE,
    users::{Account, AccountArg, GET_ACCOUNT, GET_CURRENT_ACCOUNT, GET_SPACE_USAGE, SpaceUsage},
};

use crate::{Client, Error};

impl Client {
    /// Returns who is connected.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn current_account(&self) -> Result<Account, Error> {
        self.rpc(&GET_CURRENT_ACCOUNT, &Nothing).await
    }

    /// Returns the name of the person whose account `id` is.
    ///
    /// # Errors
    /// When there is no such account, or the app may not ask for it.
    pub async fn account_name(&self, id: &str) -> Result<String, Error> {
        let arg = AccountArg {
            account_id: id.to_owned(),
        };
        Ok(self.rpc(&GET_ACCOUNT, &arg).await?.name.display_name)
    }

    /// Returns how many bytes are used and allowed.
    ///
    /// # Errors
    /// When Dropbox can't be asked.
    pub async fn space_usage(&self) -> Result<SpaceUsage, Error> {
        self.rpc(&GET_SPACE_USAGE, &Nothing).await
    }

    /// Ends the login, on every node that shares it.
    ///
    /// # Errors
    /// When Dropbox can't be reached.
    pub async fn revoke(&self) -> Result<Nothing, Error> {
        self.rpc(&REVOKE, &Nothing).await
    }
}
